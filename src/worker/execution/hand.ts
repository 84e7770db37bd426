import type { JsMsg } from '@nats-io/jetstream';
import { IN_PROGRESS_EVERY_MS } from '../../shared/messaging/streams.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptRegistry } from './attempt-registry.ts';
import type { TaskAcks } from './task-acks.ts';

export interface HandParts {
  slots: number;
  registry: AttemptRegistry;
  acks: TaskAcks;
  /** Checks a delivery; undefined when it was refused or is in hand already. */
  prepare: (message: JsMsg) => Attempt | undefined;
  /** Fetches what the attempt will need, while it waits. Never rejects. */
  prefetch: (attempt: Attempt) => void;
  /** Resolves as soon as its slots are free for another task. */
  run: (attempt: Attempt) => Promise<void>;
  /** Slots have become free. */
  onFree: () => void;
}

/**
 * The tasks in this worker's hands: those that run, within its slots, and those that wait for slots. A worker never promises
 * more than it has: a task begins when its slots are free, in the order in which tasks came.
 */
export class Hand {
  readonly #parts: HandParts;
  #waiting: Attempt[] = [];
  #free: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: HandParts) {
    this.#parts = parts;
    this.#free = parts.slots;
  }

  /** Slots that are free once all that waits in hand has begun; below zero while too much waits. */
  get freeSlots(): number {
    return this.#waiting.reduce((free, { task }) => free - this.#slotsOf(task.slots), this.#free);
  }

  get waiting(): readonly Attempt[] {
    return this.#waiting;
  }

  start(): void {
    // The server is not to give what waits here to others; whoever wants it back says so.
    this.#timer = setInterval(() => {
      for (const attempt of this.#waiting) this.#parts.acks.working(attempt.messages);
    }, IN_PROGRESS_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.giveBack(() => true);
  }

  take(message: JsMsg): void {
    const attempt = this.#parts.prepare(message);
    if (!attempt) {
      this.#parts.onFree();
      return;
    }
    this.#waiting.push(attempt);
    this.#begin();
    if (!this.#waiting.includes(attempt)) return;
    attempt.waiting = true;
    this.#parts.registry.add(attempt);
    this.#parts.prefetch(attempt);
  }

  /** Hands tasks that wait back to their lanes: they were not begun, and nobody is to blame. */
  giveBack(which: (attempt: Attempt) => boolean): void {
    const back = this.#waiting.filter(which);
    if (back.length === 0) return;
    this.#waiting = this.#waiting.filter((attempt) => !back.includes(attempt));
    for (const attempt of back) {
      this.#parts.registry.remove(attempt);
      for (const message of attempt.messages) message.nak();
    }
    this.#begin();
    this.#parts.onFree();
  }

  /** The first begins when it fits; those behind it wait, so that a big task is not passed by for ever. */
  #begin(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const slots = this.#slotsOf(next.task.slots);
      if (slots > this.#free) return;
      this.#waiting.shift();
      void this.#run(next, slots);
    }
  }

  async #run(attempt: Attempt, slots: number): Promise<void> {
    this.#free -= slots;
    attempt.waiting = false;
    await this.#parts.run(attempt);
    this.#free += slots;
    this.#begin();
    this.#parts.onFree();
  }

  /** A task for more slots than there are (the worker was started with fewer since) takes them all. */
  #slotsOf(slots: number): number {
    return Math.min(slots, this.#parts.slots);
  }
}
