import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { jobStatusSchema, type JobControl } from '../../shared/contracts/messages.ts';
import { jobControlSubject, jobStatusSubject } from '../../shared/contracts/subjects.ts';
import type { ControlReply } from '../../shared/contracts/api.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';

const OUTCOME_TIMEOUT_MS = 3_000;

/** Asks the coordinators to pause, resume, cancel … a job, and waits a little for what came of it. */
export class JobController {
  readonly #nats: NatsConnection;
  readonly #log: Logger;

  constructor(nats: NatsConnection, log: Logger) {
    this.#nats = nats;
    this.#log = log;
  }

  /**
   * @returns the outcome, or undefined when the request is stored and none was told in time.
   * @throws JetStream's errors when the request could not be stored.
   */
  async control(jobId: string, control: JobControl): Promise<ControlReply | undefined> {
    const outcomes = this.#nats.subscribe(jobStatusSubject(jobId));
    try {
      const outcome = this.#outcomeOf(outcomes, control.requestId);
      await jetstream(this.#nats).publish(jobControlSubject(jobId), encodeMessage(control));
      const timer = setTimeout(() => outcomes.unsubscribe(), OUTCOME_TIMEOUT_MS);
      try {
        return await outcome;
      } finally {
        clearTimeout(timer);
      }
    } finally {
      outcomes.unsubscribe();
    }
  }

  async #outcomeOf(outcomes: Subscription, requestId: string): Promise<ControlReply | undefined> {
    for await (const message of outcomes) {
      try {
        const status = decodeMessage(jobStatusSchema, message.data, 'A job status');
        if (status.type === 'control' && status.requestId === requestId)
          return { requestId, ok: status.ok, message: status.message };
      } catch (error) {
        this.#log.warn({ subject: message.subject, error: messageOf(error) }, 'an unreadable job status');
      }
    }
    return undefined;
  }
}
