import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { jobControlSchema, type JobControl } from '../../shared/contracts/messages.ts';
import { SUBJECTS, jobStopSubject, jobTasksFilter, lastToken } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isId } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import type { DeadLetters } from '../intake/dead-letters.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { isDataError } from '../ledger/data-error.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { DurableReader } from '../runtime/durable-reader.ts';
import type { StreamGuard } from '../runtime/stream-guard.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { applyControl, type ControlOutcome } from './apply-control.ts';

interface ControlIntakeParts {
  steps: StepInfos;
  publisher: TaskPublisher;
  announcer: Announcer;
  deadLetters: DeadLetters;
  guard: StreamGuard;
  wakeUps: WakeUps;
}

/** What people ask of jobs, on `jobs.control.<id>`. Each request is done once; its outcome is said on `status.job.<id>`. */
export class ControlIntake {
  readonly #parts: ControlIntakeParts;
  readonly #ledger: Ledger;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #reader: DurableReader;

  constructor(parts: ControlIntakeParts, ledger: Ledger, connection: NatsConnection, log: Logger) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#connection = connection;
    this.#log = log;
    this.#reader = new DurableReader(
      connection,
      parts.guard,
      {
        stream: STREAMS.jobs.name,
        durable: 'control',
        filter: SUBJECTS.jobsControlAll,
        batch: 16,
        lingerMs: 0,
        handle: async (messages) => {
          // In order: "pause" and then "resume" of one job mean something else the other way round.
          for (const message of messages) await this.#take(message);
        },
      },
      log,
    );
  }

  start(): void {
    this.#reader.start();
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
  }

  async #take(message: JsMsg): Promise<void> {
    const jobId = lastToken(message.subject);
    let control: JobControl;
    try {
      if (!isId(jobId)) throw new FarmError('invalid', `${message.subject} does not name a job.`);
      control = decodeMessage(jobControlSchema, message.data, 'The control message');
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      await this.#bury(message, error.code, error);
      await this.#sayRefused(jobId, message.data, error.message);
      message.ack();
      return;
    }
    let outcome: ControlOutcome;
    try {
      outcome = await this.#apply(jobId, control);
    } catch (error) {
      // Nothing that was asked afterwards may wait for what can never be written.
      if (!isDataError(error)) throw error;
      await this.#bury(message, 'invalid', error);
      message.ack();
      return;
    }
    this.#log.info({ jobId, verb: control.verb, ok: outcome.ok, by: control.by }, outcome.message);
    if (outcome.workers) await this.#tellWorkers(jobId, outcome.workers);
    await this.#parts.announcer.say(jobId, {
      type: 'control',
      requestId: control.requestId,
      ok: outcome.ok,
      message: outcome.message,
    });
    if (outcome.changed) {
      this.#parts.announcer.announce(jobId, null);
      this.#parts.wakeUps.feeder.wake();
      this.#parts.wakeUps.expander.wake();
    }
    message.ack();
  }

  async #bury(message: JsMsg, reason: string, error: unknown): Promise<void> {
    const once = `control:${message.info.streamSequence}:${message.info.timestampNanos}`;
    const original = { subject: message.subject, data: message.data, once };
    await this.#parts.deadLetters.bury('control', reason, original, error);
  }

  /** Whoever asked hears why not, if the message tells at least which request it is. */
  async #sayRefused(jobId: string, data: Uint8Array, text: string): Promise<void> {
    const requestId = requestIdOf(data);
    if (!isId(jobId) || requestId === undefined) return;
    await this.#parts.announcer.say(jobId, { type: 'control', requestId, ok: false, message: text });
  }

  async #apply(jobId: string, control: JobControl): Promise<ControlOutcome> {
    return this.#ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, [jobId]);
      const job = await trx
        .selectFrom('jobs')
        .select(['id', 'state', 'paused', 'priority'])
        .where('id', '=', jobId)
        .executeTakeFirst();
      if (!job) return { ok: false, message: `There is no job ${jobId}.`, changed: false };
      const before = await trx
        .selectFrom('job_events')
        .select(['ok', 'message', 'kind'])
        .where('job_id', '=', jobId)
        .where('request_id', '=', control.requestId)
        .executeTakeFirst();
      if (before) return repeated(before);
      const outcome = await applyControl(trx, this.#parts.steps, job, control);
      await trx
        .insertInto('job_events')
        .values({
          job_id: jobId,
          request_id: control.requestId,
          kind: control.verb,
          actor: control.by ?? 'unknown',
          message: outcome.message,
          ok: outcome.ok,
        })
        .execute();
      return outcome;
    });
  }

  async #tellWorkers(jobId: string, type: 'stop' | 'release'): Promise<void> {
    await this.#parts.publisher.purge(jobTasksFilter(jobId));
    this.#connection.publish(jobStopSubject(jobId), encodeMessage({ type }));
  }
}

function requestIdOf(data: Uint8Array): string | undefined {
  try {
    return decodeMessage(jobControlSchema.pick({ requestId: true }).strip(), data, 'The control message')
      .requestId;
  } catch {
    return undefined; // nothing of it can be read; its dead letter says so
  }
}

/**
 * The same request again, perhaps because the process died between the commit and what follows it: the answer is the
 * same, and workers are told again, which does no harm.
 */
function repeated(before: { ok: boolean; message: string; kind: string }): ControlOutcome {
  const { ok, message, kind } = before;
  const workers = kind === 'cancel' ? 'stop' : kind === 'pause' ? 'release' : undefined;
  return { ok, message, changed: ok, ...(ok && workers ? { workers } : {}) };
}
