import type { Consumer, ConsumerInfo, ConsumerMessages, JetStreamClient, JsMsg } from '@nats-io/jetstream';
import { assertId } from '../../shared/domain/ids.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';

/** How long one pull waits for a task before the next one takes its place. */
const EXPIRES_MS = 10_000;
/** With several lanes a slot asks them in turn, so it must not wait long at one. The server's least is a second. */
const TURN_MS = 1_000;

export interface Lane {
  lane: string;
  /** Slots that each task of the lane takes. */
  slots: number;
}

export interface LanePullerParts {
  jetstream: JetStreamClient;
  slots: number;
  /** Resolves when the slots are free again. */
  take: (message: JsMsg) => Promise<void>;
  /** Resolves when another task may be taken: not too many wait for their delivery, the disk has room. */
  ready: (signal: AbortSignal) => Promise<void>;
  log: Logger;
}

/**
 * Keeps one pull outstanding for each free slot. A pull asks for a single task: the next one is decided when a slot is
 * free again, by the farm as it is then.
 */
export class LanePuller {
  readonly #parts: LanePullerParts;
  readonly #stop = new AbortController();
  readonly #pulls = new Set<ConsumerMessages>();
  readonly #consumers = new Map<string, Consumer>();
  #lanes: readonly Lane[] = [];
  #freeSlots: number;
  #change = new AbortController();
  #turn = 0;

  constructor(parts: LanePullerParts) {
    this.#parts = parts;
    this.#freeSlots = parts.slots;
  }

  get lanes(): string[] {
    return this.#lanes.map(({ lane }) => lane);
  }

  start(): void {
    for (let i = 0; i < this.#parts.slots; i++) void this.#pullForever();
  }

  /** @returns whether the lanes are others than before */
  setLanes(lanes: readonly Lane[]): boolean {
    if (JSON.stringify(lanes) === JSON.stringify(this.#lanes)) return false;
    this.#lanes = [...lanes];
    this.#interrupt();
    return true;
  }

  /** Takes nothing more; what was taken goes on. */
  stop(): void {
    this.#stop.abort();
    this.#lanes = [];
    this.#interrupt();
  }

  /** Pulls that wait at lanes of before would only hold their slots. */
  #interrupt(): void {
    this.#wake();
    for (const pull of this.#pulls) pull.stop();
  }

  /** Those that found no lane look again. */
  #wake(): void {
    this.#change.abort();
    this.#change = new AbortController();
  }

  async #pullForever(): Promise<void> {
    const { ready, log } = this.#parts;
    for (let failures = 0; !this.#stop.signal.aborted;) {
      await ready(this.#stop.signal);
      const lane = this.#nextLane();
      if (!lane) {
        await pause(EXPIRES_MS, AbortSignal.any([this.#change.signal, this.#stop.signal]));
        continue;
      }
      this.#freeSlots -= lane.slots;
      try {
        const message = await this.#pull(lane);
        failures = 0;
        if (message) await this.#takeOrReturn(message);
      } catch (error) {
        // The lane's consumer or its stream is away for now (deleted, no leader); the coordinator brings it back.
        if (failures++ % 20 === 5)
          log.warn({ lane: lane.lane, reason: messageOf(error) }, 'a lane does not answer');
        await pause(
          backOffMs(failures, 50, 2_000),
          AbortSignal.any([this.#change.signal, this.#stop.signal]),
        );
      } finally {
        this.#freeSlots += lane.slots;
        if (lane.slots > 1) this.#wake();
      }
    }
  }

  /** The next lane in turn whose tasks fit into what is free. */
  #nextLane(): Lane | undefined {
    const fitting = this.#lanes.filter((lane) => lane.slots <= this.#freeSlots);
    return fitting[this.#turn++ % Math.max(1, fitting.length)];
  }

  async #pull({ lane }: Lane): Promise<JsMsg | null> {
    const expires = this.#lanes.length > 1 ? TURN_MS : EXPIRES_MS;
    // `bind`: never ask for the consumer's info, which a worker may not.
    const pull = await this.#consumer(lane).fetch({ max_messages: 1, expires, bind: true });
    this.#pulls.add(pull);
    try {
      for await (const message of pull) return message;
      return null;
    } finally {
      this.#pulls.delete(pull);
    }
  }

  async #takeOrReturn(message: JsMsg): Promise<void> {
    if (this.#stop.signal.aborted) message.nak();
    else await this.#parts.take(message);
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
