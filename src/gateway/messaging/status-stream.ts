import { setTimeout as delay } from 'node:timers/promises';
import {
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { STREAMS } from '../../shared/messaging/streams.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';

const RETRY_MS = 500;

export interface StatusStreamEvents {
  /** From here on every message is seen; what came before may have been missed. */
  onStart: () => void;
  onStop: () => void;
  onMessage: (message: JsMsg) => void;
}

/**
 * `status.job.*` from now on, through an ordered consumer. The consumer's own recovery is not used: with nothing seen yet
 * it would begin at the stream's first message, and after the stream was made anew it would wait for a number that does
 * not come. A break starts over instead, and is told, so that watchers take fresh snapshots.
 */
export class StatusStream {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #events: StatusStreamEvents;
  #messages: ConsumerMessages | undefined;
  readonly #ended = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(nats: NatsConnection, log: Logger, events: StatusStreamEvents) {
    this.#nats = nats;
    this.#log = log;
    this.#events = events;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#loop;
  }

  /** NATS was away: begin again, because what the server's memory held of us may be gone. */
  restart(): void {
    this.#messages?.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    for (let first = true; !signal.aborted; first = false) {
      try {
        if (!first) await delay(RETRY_MS, undefined, { signal });
        await this.#follow(signal);
      } catch (error) {
        if (!(error instanceof Error && error.name === 'AbortError'))
          this.#log.warn({ error: messageOf(error) }, 'job statuses cannot be followed; trying again');
      }
      this.#events.onStop();
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const stream = STREAMS.status.name;
    const manager = await jetstreamManager(this.#nats, { checkAPI: false });
    const { state } = await manager.streams.info(stream);
    const consumer = await jetstream(this.#nats).consumers.get(stream, {
      filter_subjects: SUBJECTS.statusJobAll,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: state.last_seq + 1,
    });
    const messages = await consumer.consume({ max_messages: 500, abort_on_missing_resource: true });
    const stop = (): void => messages.stop();
    this.#messages = messages;
    signal.addEventListener('abort', stop);
    try {
      signal.throwIfAborted();
      void this.#stopWhenBroken(messages);
      this.#events.onStart();
      for await (const message of messages) this.#events.onMessage(message);
    } finally {
      signal.removeEventListener('abort', stop);
      // Where it is gone with its stream there is nothing to delete; otherwise it would linger for minutes.
      await consumer.delete().catch((error: unknown) => {
        this.#log.debug({ error: messageOf(error) }, 'the consumer of job statuses was gone already');
      });
    }
  }

  async #stopWhenBroken(messages: ConsumerMessages): Promise<void> {
    for await (const notice of messages.status()) {
      if (notice.type === 'reset' || notice.type === 'consumer_deleted' || notice.type === 'stream_not_found')
        messages.stop();
    }
  }
}
