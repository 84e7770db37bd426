import type { Msg, NatsConnection } from 'nats';
import type { WorkerControl } from '../../shared/contracts/messages.ts';
import { assertId } from '../../shared/domain/ids.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { LaneRequest } from './lane-request.ts';
import { TaskDelivery } from './task-delivery.ts';

/** How long one request waits for its tasks before the next one takes its place. */
const WAIT_MS = 10_000;
/** How often is looked whether a running task is so near its end that the next may be fetched. */
const LOOK_EVERY_MS = 250;
/** After a look ahead that found nothing. */
const NOTHING_AHEAD_MS = 1_000;
/** A link that is just being cut cannot say what is still on its way. */
const CANCEL_WITHIN_MS = 2_000;

export type Lane = Extract<WorkerControl, { type: 'lanes' }>['lanes'][number];

export interface LanePullerParts {
  connection: NatsConnection;
  /** Slots that no task takes, those in hand that wait included. */
  freeSlots: () => number;
  /** Tasks that may be taken while all slots are taken, because some will be free in a moment. */
  aheadSlots: () => number;
  /** Whether nothing may be asked for at present: too many results wait for their delivery, the disk is full. */
  isBlocked: () => boolean;
  /** Takes a delivery; it begins when its slots are free. */
  take: (delivery: TaskDelivery) => void;
  /** Gives a delivery back that came when nothing was wanted any more. */
  refuse: (delivery: TaskDelivery, reason: string) => void;
  log: Logger;
}

/**
 * Asks the lanes for as many tasks as there are free slots, the next as soon as one is free: what it gets is decided then,
 * by the farm as it then is. All lanes are asked at once, so that none adds to another's latency; what comes too much waits
 * in hand. With a reserved lane it asks for nothing else, and for that one once so many slots are free.
 */
export class LanePuller {
  readonly #parts: LanePullerParts;
  readonly #end = new AbortController();
  readonly #requests = new Set<LaneRequest>();
  /** Lanes that gave an error, until they are asked again; and how often they did. */
  readonly #resting = new Set<string>();
  readonly #failures = new Map<string, number>();
  #lanes: readonly Lane[] = [];
  #open = true;
  #scheduled = false;
  #lookingAhead = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LanePullerParts) {
    this.#parts = parts;
  }

  get lanes(): string[] {
    return this.#lanes.map(({ lane }) => lane);
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.look();
      void this.#lookAhead();
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** @returns whether the lanes are others than before */
  setLanes(lanes: readonly Lane[]): boolean {
    const changed = JSON.stringify(lanes) !== JSON.stringify(this.#lanes);
    this.#lanes = [...lanes];
    if (changed) void this.#cancelUnwanted();
    this.look();
    return changed;
  }

  /** Closed, it takes nothing; opened again, it goes on. */
  setOpen(open: boolean): void {
    this.#open = open;
    void this.#cancelUnwanted();
    this.look();
  }

  /** Slots have become free, or may have. Looks once, however often it is told in a moment. */
  look(): void {
    if (this.#scheduled || this.#end.signal.aborted) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#ask();
    });
  }

  /** The link was cut: the server has forgotten what it was asked for. */
  askAnew(): void {
    for (const request of this.#requests) void request.cancel();
    this.look();
  }

  /** Takes nothing more; what was taken goes on. Resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.#end.abort();
    clearInterval(this.#timer);
    this.#lanes = [];
    const done = new AbortController();
    await Promise.race([this.#cancelUnwanted(), pause(CANCEL_WITHIN_MS, done.signal)]);
    done.abort();
  }

  #ask(): void {
    const { freeSlots, isBlocked } = this.#parts;
    if (this.#end.signal.aborted || !this.#open || isBlocked()) return;
    const free = freeSlots();
    const reserved = this.#reserved();
    if (reserved) {
      if (free >= reserved.slots && this.#askedOf(reserved) === 0) void this.#request(reserved, 1, WAIT_MS);
      return;
    }
    for (const lane of this.#lanes) {
      const missing = Math.max(0, free) - this.#askedOf(lane);
      if (missing > 0) void this.#request(lane, missing, WAIT_MS);
      else if (missing < 0) this.#askForLess(lane, -missing);
    }
  }

  /** Another lane has filled slots that this one was asked for: what it holds is for those who have room. */
  #askForLess({ lane }: Lane, tooMuch: number): void {
    let less = 0;
    for (const request of this.#requests) {
      if (less >= tooMuch) return;
      if (request.lane !== lane) continue;
      less += request.left;
      void request.cancel();
    }
  }

  /**
   * With all slots taken, and some about to be free: takes what lies in the lanes, so that its scene is here when it begins.
   * What lies there has found no idle slot anywhere; a request that waited would take work away from one.
   */
  async #lookAhead(): Promise<void> {
    const { freeSlots, aheadSlots, isBlocked } = this.#parts;
    if (this.#lookingAhead || !this.#open || isBlocked() || this.#reserved() || freeSlots() > 0) return;
    this.#lookingAhead = true;
    try {
      for (const lane of this.#lanes) {
        const wanted = aheadSlots();
        if (wanted <= 0) return;
        await this.#request(lane, wanted, 0);
      }
      if (aheadSlots() > 0) await pause(NOTHING_AHEAD_MS, this.#end.signal);
    } finally {
      this.#lookingAhead = false;
    }
  }

  #reserved(): Lane | undefined {
    return this.#lanes.find(({ kind }) => kind === 'reserved');
  }

  #askedOf({ lane }: Lane): number {
    let asked = 0;
    for (const request of this.#requests) if (request.lane === lane) asked += request.left;
    return asked;
  }

  async #request({ lane, kind }: Lane, count: number, waitMs: number): Promise<void> {
    if (this.#resting.has(lane)) return;
    const onTask = (message: Msg): void => this.#takeOrRefuse(new TaskDelivery(message), kind);
    const options = { lane: assertId(lane, 'The lane'), count, waitMs, onTask };
    const request = new LaneRequest(this.#parts.connection, options);
    this.#requests.add(request);
    const error = await request.ended;
    this.#requests.delete(request);
    if (error) await this.#rest(lane, error);
    else this.#failures.delete(lane);
    this.look();
  }

  /** The lane's consumer or its stream is away for now (deleted, no leader); the coordinator brings it back. */
  async #rest(lane: string, error: Error): Promise<void> {
    const failures = (this.#failures.get(lane) ?? 0) + 1;
    this.#failures.set(lane, failures);
    if (failures % 20 === 6) this.#parts.log.warn({ lane, reason: error.message }, 'a lane does not answer');
    this.#resting.add(lane);
    await pause(backOffMs(failures, 50, 2_000), this.#end.signal);
    this.#resting.delete(lane);
  }

  #takeOrRefuse(delivery: TaskDelivery, kind: Lane['kind']): void {
    const { take, refuse } = this.#parts;
    if (this.#end.signal.aborted || !this.#open) refuse(delivery, 'The worker takes no tasks.');
    else if (kind !== 'reserved' && this.#reserved())
      refuse(delivery, 'The worker is kept free for a task that needs more of it.');
    else take(delivery);
  }

  /** Ends requests whose tasks are not wanted any more. */
  async #cancelUnwanted(): Promise<void> {
    const open = this.#open && !this.#end.signal.aborted;
    const reserved = this.#reserved();
    const wanted = new Set(!open ? [] : reserved ? [reserved.lane] : this.lanes);
    const unwanted = [...this.#requests].filter(({ lane }) => !wanted.has(lane));
    await Promise.all(unwanted.map((request) => request.cancel()));
  }
}
