import { jetstream } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { jobStatusSchema, type JobControl } from '../../shared/contracts/messages.ts';
import { SUBJECTS, jobControlSubject, jobStatusSubject, lastToken } from '../../shared/contracts/subjects.ts';
import type { ControlFigures } from '../../shared/domain/control-figures.ts';
import { messageOf, type InputIssue } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { mapConcurrently } from '../storage/map-concurrently.ts';

const OUTCOME_TIMEOUT_MS = 3_000;
/** Several jobs are asked for by people who can wait a little longer for one answer. */
const MANY_TIMEOUT_MS = 10_000;
const PUBLISHED_AT_ONCE = 50;

/** What came of a request, as a coordinator told it. */
export interface ToldOutcome {
  requestId: string;
  ok: boolean;
  message: string;
  changed: boolean;
  dryRun: boolean | undefined;
  figures: ControlFigures | undefined;
  jobId: string | undefined;
  /** What is wrong with the request. */
  errors: readonly InputIssue[];
}

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
  async control(jobId: string, control: JobControl): Promise<ToldOutcome | undefined> {
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

  /**
   * Asks the same of several jobs at once.
   * @returns outcomes by job, of those that were told in time.
   * @throws JetStream's errors when a request could not be stored; the same request may be sent again.
   */
  async controlMany(jobIds: readonly string[], control: JobControl): Promise<Map<string, ToldOutcome>> {
    const outcomes = new Map<string, ToldOutcome>();
    const wanted = new Set(jobIds);
    const heard = this.#nats.subscribe(SUBJECTS.statusJobAll, {
      callback: (error, message) => {
        const jobId = lastToken(message.subject);
        if (error || !wanted.has(jobId)) return;
        const outcome = this.#read(message, control.requestId);
        if (!outcome) return;
        outcomes.set(jobId, outcome);
        if (outcomes.size === wanted.size) heard.unsubscribe();
      },
    });
    try {
      const body = encodeMessage(control);
      await mapConcurrently([...wanted], PUBLISHED_AT_ONCE, async (jobId) => {
        await jetstream(this.#nats).publish(jobControlSubject(jobId), body);
      });
      const timer = setTimeout(() => heard.unsubscribe(), MANY_TIMEOUT_MS);
      await heard.closed;
      clearTimeout(timer);
      return outcomes;
    } finally {
      heard.unsubscribe();
    }
  }

  async #outcomeOf(outcomes: Subscription, requestId: string): Promise<ToldOutcome | undefined> {
    for await (const message of outcomes) {
      const outcome = this.#read(message, requestId);
      if (outcome) return outcome;
    }
    return undefined;
  }

  #read(message: Msg, requestId: string): ToldOutcome | undefined {
    try {
      const status = decodeMessage(jobStatusSchema, message.data, 'A job status');
      if (status.type !== 'control' || status.requestId !== requestId) return undefined;
      const { ok, message: text, changed = ok, dryRun, figures, jobId, errors = [] } = status;
      return { requestId, ok, message: text, changed, dryRun, figures, jobId, errors };
    } catch (error) {
      this.#log.warn({ subject: message.subject, error: messageOf(error) }, 'an unreadable job status');
      return undefined;
    }
  }
}
