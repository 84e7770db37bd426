import type { Consumer, ConsumerInfo, ConsumerMessages, JetStreamClient, JsMsg } from '@nats-io/jetstream';
import type { WorkerControl } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { assertId } from '../../shared/domain/ids.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';

/** How long one request waits for its tasks before the next one takes its place. */
const EXPIRES_MS = 10_000;
/** How often is looked whether a running task is so near its end that the next may be fetched. */
const LOOK_AHEAD_EVERY_MS = 250;

export type Lane = Extract<WorkerControl, { type: 'lanes' }>['lanes'][number];

export interface LanePullerParts {
  jetstream: JetStreamClient;
  /** Slots that no task takes, those in hand that wait included. */
  freeSlots: () => number;
  /** Tasks that may be taken beyond the free slots, because a slot will be free in a moment. */
  aheadSlots: () => number;
  /** Takes a delivery; it begins when its slots are free. */
  take: (message: JsMsg) => void;
  /** Resolves when another task may be taken: not too many wait for their delivery, the disk has room. */
  ready: (signal: AbortSignal) => Promise<void>;
  log: Logger;
}

/**
 * Asks the lanes for as many tasks as there are free slots, the next as soon as one is free: what it gets is decided then,
 * by the farm as it then is. All lanes are asked at once, so that none adds to another's latency; what comes too much waits
 * in hand. With a reserved lane it asks for nothing else, until that many slots are free.
 */
export class LanePuller {
  readonly #parts: LanePullerParts;
  readonly #stop = new AbortController();
  readonly #pulls = new Set<ConsumerMessages>();
  readonly #consumers = new Map<string, Consumer>();
  /** Tasks that were asked for and have not come, by lane. */
  readonly #asked = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  #lanes: readonly Lane[] = [];
  #closed = false;
  #ready = false;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LanePullerParts) {
    this.#parts = parts;
  }

  get lanes(): string[] {
    return this.#lanes.map(({ lane }) => lane);
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_AHEAD_EVERY_MS);
    this.#timer.unref();
    void this.#watchReady();
  }

  /** @returns whether the lanes are others than before */
  setLanes(lanes: readonly Lane[]): boolean {
    const changed = JSON.stringify(lanes) !== JSON.stringify(this.#lanes);
    this.#lanes = [...lanes];
    this.look();
    return changed;
  }

  /** Closed, it takes nothing; opened again, it goes on. What was asked for and comes all the same is handed back. */
  setOpen(open: boolean): void {
    this.#closed = !open;
    this.look();
  }

  /** Slots have become free, or may have. Looks once, however often it is told in a moment. */
  look(): void {
    if (this.#scheduled || this.#stop.signal.aborted) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#ask();
    });
  }

  /** Takes nothing more; what was taken goes on. */
  stop(): void {
    this.#stop.abort();
    clearInterval(this.#timer);
    this.#lanes = [];
    for (const pull of this.#pulls) pull.stop();
  }

  #ask(): void {
    if (this.#stop.signal.aborted || this.#closed || !this.#ready) return;
    const free = this.#parts.freeSlots();
    const reserved = this.#reserved();
    if (reserved) {
      if (free >= reserved.slots && this.#askedOf(reserved) === 0) void this.#pull(reserved, 1);
      return;
    }
    const room = Math.max(0, free) + this.#parts.aheadSlots();
    for (const lane of this.#lanes) {
      const missing = room - this.#askedOf(lane);
      if (missing > 0) void this.#pull(lane, missing);
    }
  }

  #reserved(): Lane | undefined {
    return this.#lanes.find(({ kind }) => kind === 'reserved');
  }

  #askedOf({ lane }: Lane): number {
    return this.#asked.get(lane) ?? 0;
  }

  async #pull(lane: Lane, count: number): Promise<void> {
    let open = count;
    this.#asked.set(lane.lane, this.#askedOf(lane) + count);
    try {
      // `bind`: never ask for the consumer's info, which a worker may not.
      const consumer = this.#consumer(lane.lane);
      const pull = await consumer.fetch({ max_messages: count, expires: EXPIRES_MS, bind: true });
      this.#pulls.add(pull);
      try {
        for await (const message of pull) {
          open--;
          this.#asked.set(lane.lane, this.#askedOf(lane) - 1);
          this.#takeOrReturn(lane, message);
        }
        this.#failures.delete(lane.lane);
      } finally {
        this.#pulls.delete(pull);
      }
    } catch (error) {
      await this.#waitAfter(lane, error);
    } finally {
      this.#asked.set(lane.lane, this.#askedOf(lane) - open);
      this.look();
    }
  }

  /** The lane's consumer or its stream is away for now (deleted, no leader); the coordinator brings it back. */
  async #waitAfter({ lane }: Lane, error: unknown): Promise<void> {
    const failures = (this.#failures.get(lane) ?? 0) + 1;
    this.#failures.set(lane, failures);
    if (failures % 20 === 6)
      this.#parts.log.warn({ lane, reason: messageOf(error) }, 'a lane does not answer');
    await pause(backOffMs(failures, 50, 2_000), this.#stop.signal);
  }

  /** A small task that comes while slots are kept free for a big one, or when nothing is taken, is another worker's. */
  #takeOrReturn(lane: Lane, message: JsMsg): void {
    const kept = lane.kind !== 'reserved' && this.#reserved() !== undefined;
    if (this.#stop.signal.aborted || this.#closed || kept) message.nak();
    else this.#parts.take(message);
  }

  async #watchReady(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#ready = false;
      await this.#parts.ready(signal);
      this.#ready = true;
      this.look();
      await pause(LOOK_AHEAD_EVERY_MS, signal);
    }
  }

  #consumer(lane: string): Consumer {
    let consumer = this.#consumers.get(lane);
    if (!consumer) {
      const info = { stream_name: STREAMS.tasks.name, name: assertId(lane, 'The lane'), config: {} };
      consumer = this.#parts.jetstream.consumers.getConsumerFromInfo(info as ConsumerInfo);
      this.#consumers.set(lane, consumer);
    }
    return consumer;
  }
}
