import type { JsMsg } from '@nats-io/jetstream';
import { errors, type NatsConnection } from 'nats';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';

const ACK_TIMEOUT_MS = 2_000;
const ACK_TRIES = 5;

/** Tells the work queue about deliveries. It is only a backstop, so nothing here ever fails a render. */
export class TaskAcks {
  readonly #connection: NatsConnection;
  readonly #isConnected: () => boolean;
  readonly #log: Logger;

  constructor(connection: NatsConnection, isConnected: () => boolean, log: Logger) {
    this.#connection = connection;
    this.#isConnected = isConnected;
    this.#log = log;
  }

  /** Still at it: the server is not to give the task to others yet. */
  working(messages: readonly JsMsg[]): void {
    if (!this.#isConnected()) return;
    for (const message of messages) message.working();
  }

  /**
   * Takes the task out of the queue, without asking whether that arrived: for work that costs nothing to be asked about
   * again, should it be lost.
   */
  ackUnconfirmed(messages: readonly JsMsg[]): void {
    for (const message of messages) message.ack();
  }

  /**
   * Takes the task out of the queue, confirmed. JsMsg.ackAck() counts a message as acked before the server answered,
   * and so cannot be tried again; the plain request can.
   */
  async ack(messages: readonly JsMsg[]): Promise<void> {
    await Promise.all(messages.map((message) => this.#ackOne(message)));
  }

  async #ackOne(message: JsMsg): Promise<void> {
    for (let tries = 0; tries < ACK_TRIES; tries++) {
      try {
        await this.#connection.request(replySubject(message), '+ACK', { timeout: ACK_TIMEOUT_MS });
        return;
      } catch (error) {
        // Nobody listens: the consumer is gone, and with it what there was to ack.
        if (error instanceof errors.RequestError && error.isNoResponders()) return;
        this.#log.warn({ subject: message.subject, reason: messageOf(error) }, 'an ack was not confirmed');
        await pause(backOffMs(tries));
      }
    }
  }
}

/** The library's messages carry it; their published type leaves it out. */
function replySubject(message: JsMsg): string {
  return (message as JsMsg & { reply: string }).reply;
}
