import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { messageOf } from '../../shared/domain/errors.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { StreamGuard } from './stream-guard.ts';

/** How soon another coordinator gets what one had taken when it died. */
const ACK_WAIT_MS = 5_000;
const IN_PROGRESS_EVERY_MS = 2_000;
const PULL_EXPIRES_MS = 5_000;
/** Bounds what waits in memory while Postgres is away. */
const MAX_ACK_PENDING = 4_000;

export interface DurableReaderOptions {
  stream: string;
  /** The consumer's name; coordinators share it. */
  durable: string;
  filter: string;
  /** Most messages in one call of `handle`. */
  batch: number;
  /** How long a batch waits to grow after its first message. */
  lingerMs: number;
  /** Takes and acknowledges a batch. When it rejects, the same batch comes again after a back-off. */
  handle: (messages: JsMsg[]) => Promise<void>;
}

/** Reads a durable consumer in batches, for ever: whatever goes away comes back, and nothing is dropped meanwhile. */
export class DurableReader {
  readonly #connection: NatsConnection;
  readonly #options: DurableReaderOptions;
  readonly #log: Logger;
  /** By place in the stream: what is delivered again while it waits here replaces the older delivery. */
  readonly #buffer = new Map<number, JsMsg>();
  #arrived: (() => void) | undefined;
  #messages: ConsumerMessages | undefined;
  #stopping = false;
  #loops: Promise<unknown> | undefined;

  constructor(connection: NatsConnection, guard: StreamGuard, options: DurableReaderOptions, log: Logger) {
    this.#connection = connection;
    this.#options = options;
    this.#log = log.child({ consumer: options.durable });
    guard.onRebuilt(() => void this.#messages?.close());
  }

  start(): void {
    this.#loops ??= Promise.all([this.#pull(), this.#work()]);
  }

  /** Takes no more; resolves when the batch under way is done. What was not handled is delivered again to others. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#messages?.close();
    this.#arrived?.();
    await this.#loops;
  }

  async #pull(): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      try {
        await this.#ensureConsumer();
        const consumer = await jetstream(this.#connection).consumers.get(
          this.#options.stream,
          this.#options.durable,
        );
        this.#messages = await consumer.consume({
          max_messages: this.#options.batch * 2,
          // Short, so that the server does not go on giving messages to a coordinator that is frozen.
          expires: PULL_EXPIRES_MS,
          abort_on_missing_resource: true,
          callback: (message) => this.#push(message),
        });
        failures = 0;
        const closed = await this.#messages.closed();
        if (closed instanceof Error) throw closed;
      } catch (error) {
        failures++;
        this.#log.debug(
          { failures, error: messageOf(error) },
          'the consumer is not usable; it is set up again',
        );
        await pause(backOffMs(failures));
      }
    }
  }

  async #ensureConsumer(): Promise<void> {
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    await manager.consumers.add(this.#options.stream, {
      durable_name: this.#options.durable,
      filter_subject: this.#options.filter,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: ACK_WAIT_MS * 1_000_000,
      max_ack_pending: MAX_ACK_PENDING,
      max_waiting: 512,
    });
  }

  #push(message: JsMsg): void {
    this.#buffer.set(message.info.streamSequence, message);
    if (this.#buffer.size === 1 || this.#buffer.size >= this.#options.batch) this.#arrived?.();
  }

  async #work(): Promise<void> {
    while (!this.#stopping) {
      if (this.#buffer.size === 0) await this.#arrival(60_000);
      if (this.#buffer.size === 0) continue;
      if (this.#options.lingerMs > 0 && this.#buffer.size < this.#options.batch)
        await this.#arrival(this.#options.lingerMs);
      await this.#handle(this.#take());
    }
  }

  #take(): JsMsg[] {
    const batch = [...this.#buffer.values().take(this.#options.batch)];
    for (const message of batch) this.#buffer.delete(message.info.streamSequence);
    return batch;
  }

  async #arrival(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
    this.#arrived = undefined;
  }

  async #handle(batch: JsMsg[]): Promise<void> {
    const inProgress = setInterval(() => {
      for (const message of batch) message.working();
    }, IN_PROGRESS_EVERY_MS);
    try {
      await this.#handleUntilDone(batch);
    } finally {
      clearInterval(inProgress);
    }
  }

  async #handleUntilDone(batch: JsMsg[]): Promise<void> {
    for (let failures = 0; !this.#stopping;) {
      try {
        await this.#options.handle(batch);
        return;
      } catch (error) {
        failures++;
        this.#log.warn(
          { failures, messages: batch.length, error: messageOf(error) },
          'a batch could not be taken; it is tried again',
        );
        await pause(backOffMs(failures));
      }
    }
  }
}
