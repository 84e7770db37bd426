import { errors, type NatsConnection } from 'nats';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import type { TaskDelivery } from './task-delivery.ts';

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
  working(deliveries: readonly TaskDelivery[]): void {
    if (!this.#isConnected()) return;
    for (const delivery of deliveries) delivery.working();
  }

  /**
   * Takes the task out of the queue, without asking whether that arrived: for work that costs nothing to be asked about
   * again, should it be lost.
   */
  ackUnconfirmed(deliveries: readonly TaskDelivery[]): void {
    for (const delivery of deliveries) delivery.ack();
  }

  /** Takes the task out of the queue, confirmed. */
  async ack(deliveries: readonly TaskDelivery[]): Promise<void> {
    await Promise.all(deliveries.map((delivery) => this.#ackOne(delivery)));
  }

  async #ackOne(delivery: TaskDelivery): Promise<void> {
    for (let tries = 0; tries < ACK_TRIES; tries++) {
      try {
        await this.#connection.request(delivery.reply, '+ACK', { timeout: ACK_TIMEOUT_MS });
        return;
      } catch (error) {
        // Nobody listens: the consumer is gone, and with it what there was to ack.
        if (error instanceof errors.RequestError && error.isNoResponders()) return;
        this.#log.warn({ subject: delivery.subject, reason: messageOf(error) }, 'an ack was not confirmed');
        await pause(backOffMs(tries));
      }
    }
  }
}
