import { IN_PROGRESS_EVERY_MS } from '../../shared/messaging/streams.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptRegistry } from './attempt-registry.ts';
import type { TaskAcks } from './task-acks.ts';
import type { TaskDelivery } from './task-delivery.ts';

/** No slots were free for a task for so long: others may have some. */
const WAIT_AT_MOST_MS = 15_000;
const LOOK_EVERY_MS = 1_000;

export interface HandParts {
  slots: number;
  gpus: number;
  registry: AttemptRegistry;
  acks: Pick<TaskAcks, 'working'>;
  /** Checks a delivery; undefined when it was refused or is in hand already. */
  prepare: (delivery: TaskDelivery) => Attempt | undefined;
  /** Fetches what the attempt will need, while it waits. Never rejects. */
  prefetch: (attempt: Attempt) => void;
  /** Resolves as soon as its slots are free for another task. Never rejects. */
  run: (attempt: Attempt) => Promise<void>;
  /** Tells the farm that an attempt was not begun. Resolves when that is done; never rejects. */
  giveBack: (attempt: Attempt, reason: string) => Promise<void>;
  /** Slots have become free. */
  onFree: () => void;
}

interface Waiting {
  attempt: Attempt;
  sinceMs: number;
}

/**
 * The tasks in this worker's hands: those that run, within its slots and GPUs, and those that wait for some. A worker never
 * promises more than it has: a task begins when its slots are free, in the order in which tasks came.
 */
export class Hand {
  readonly #parts: HandParts;
  #waiting: Waiting[] = [];
  #freeSlots: number;
  #freeGpus: number;
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: HandParts) {
    this.#parts = parts;
    this.#freeSlots = parts.slots;
    this.#freeGpus = parts.gpus;
  }

  /** Slots that are free once all that waits in hand has begun; below zero while too much waits. */
  get freeSlots(): number {
    return this.#waiting.reduce((free, { attempt }) => free - this.#slotsOf(attempt), this.#freeSlots);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  start(): void {
    const { acks } = this.#parts;
    // The server is not to give what waits here to others.
    const working = (): void => {
      for (const { attempt } of this.#waiting) acks.working(attempt.deliveries);
    };
    this.#timers = [
      setInterval(working, IN_PROGRESS_EVERY_MS),
      setInterval(() => this.#giveUpWaiting(), LOOK_EVERY_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  /** What waits is given back; what runs goes on. */
  stop(reason: string): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.giveBack(() => true, reason);
  }

  take(delivery: TaskDelivery): void {
    const { prepare, registry, prefetch, onFree } = this.#parts;
    const attempt = prepare(delivery);
    if (!attempt) {
      onFree();
      return;
    }
    attempt.waiting = true;
    this.#waiting.push({ attempt, sinceMs: performance.now() });
    this.#begin();
    if (!this.#waits(attempt)) return;
    registry.add(attempt);
    prefetch(attempt);
  }

  /** Gives a delivery back that nobody here wants any more. */
  refuse(delivery: TaskDelivery, reason: string): void {
    const attempt = this.#parts.prepare(delivery);
    if (attempt) void this.#return(attempt, reason);
  }

  /** Gives tasks that wait back: they were not begun, and nobody is to blame. */
  giveBack(which: (attempt: Attempt) => boolean, reason: string): void {
    const back = this.#waiting.filter(({ attempt }) => which(attempt));
    if (back.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !back.includes(waiting));
    for (const { attempt } of back) void this.#return(attempt, reason);
    this.#begin();
    this.#parts.onFree();
  }

  /** In the registry until the farm has heard of it: whoever waits for the worker to be empty waits for that, too. */
  async #return(attempt: Attempt, reason: string): Promise<void> {
    const { registry, giveBack } = this.#parts;
    attempt.waiting = true;
    registry.add(attempt);
    await giveBack(attempt, reason);
    registry.remove(attempt);
  }

  #giveUpWaiting(): void {
    const before = performance.now() - WAIT_AT_MOST_MS;
    const late = new Set(
      this.#waiting.flatMap(({ attempt, sinceMs }) => (sinceMs < before ? [attempt] : [])),
    );
    this.giveBack((attempt) => late.has(attempt), 'No slots of this worker became free for it.');
  }

  #waits(attempt: Attempt): boolean {
    return this.#waiting.some((waiting) => waiting.attempt === attempt);
  }

  /**
   * Those begin that fit, in their order. One that finds too few slots holds up those behind it, so that a big task is not
   * passed by for ever; one that only waits for a GPU does not.
   */
  #begin(): void {
    for (const { attempt } of [...this.#waiting]) {
      if (this.#slotsOf(attempt) > this.#freeSlots) return;
      if (this.#gpusOf(attempt) > this.#freeGpus) continue;
      this.#waiting = this.#waiting.filter((waiting) => waiting.attempt !== attempt);
      void this.#run(attempt);
    }
  }

  async #run(attempt: Attempt): Promise<void> {
    const [slots, gpus] = [this.#slotsOf(attempt), this.#gpusOf(attempt)];
    this.#freeSlots -= slots;
    this.#freeGpus -= gpus;
    attempt.waiting = false;
    await this.#parts.run(attempt);
    this.#freeSlots += slots;
    this.#freeGpus += gpus;
    this.#begin();
    this.#parts.onFree();
  }

  /** A task for more than there is (the worker was started with less since) takes all of it. */
  #slotsOf({ task }: Attempt): number {
    return Math.min(task.slots, this.#parts.slots);
  }

  #gpusOf({ task }: Attempt): number {
    return Math.min(task.gpus, this.#parts.gpus);
  }
}
