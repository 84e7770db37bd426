import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { controlFieldIssues } from '../../shared/contracts/control-fields.ts';
import { jobControlSchema, type JobControl, type WorkerControl } from '../../shared/contracts/messages.ts';
import {
  SUBJECTS,
  jobStopSubject,
  jobTasksFilter,
  lastToken,
  workerControlSubject,
} from '../../shared/contracts/subjects.ts';
import { FarmError, InvalidInputError } from '../../shared/domain/errors.ts';
import { isId } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import type { DeadLetters } from '../intake/dead-letters.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { isDataError } from '../ledger/data-error.ts';
import { DurableReader } from '../runtime/durable-reader.ts';
import type { StreamGuard } from '../runtime/stream-guard.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { ControlOutcome } from './control-context.ts';
import type { JobControls } from './job-controls.ts';

interface ControlIntakeParts {
  controls: JobControls;
  publisher: TaskPublisher;
  announcer: Announcer;
  deadLetters: DeadLetters;
  guard: StreamGuard;
  wakeUps: WakeUps;
}

/** What people ask of jobs, on `jobs.control.<id>`. Each request is done once; its outcome is said on `status.job.<id>`. */
export class ControlIntake {
  readonly #parts: ControlIntakeParts;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #reader: DurableReader;

  constructor(parts: ControlIntakeParts, connection: NatsConnection, log: Logger) {
    this.#parts = parts;
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
          const byJob = Map.groupBy(messages, (message) => message.subject);
          await Promise.all([...byJob.values()].map((ofJob) => this.#takeInOrder(ofJob)));
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

  async #takeInOrder(messages: readonly JsMsg[]): Promise<void> {
    for (const message of messages) await this.#take(message);
  }

  async #take(message: JsMsg): Promise<void> {
    const jobId = lastToken(message.subject);
    let control: JobControl;
    try {
      if (!isId(jobId)) throw new FarmError('invalid', `${message.subject} does not name a job.`);
      control = decodeMessage(jobControlSchema, message.data, 'The control message');
      const issues = controlFieldIssues(control.verb, control);
      if (issues.length > 0) throw new InvalidInputError('The control message', issues);
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      await this.#bury(message, error.code, error);
      await this.#sayRefused(jobId, message.data, error);
      message.ack();
      return;
    }
    let outcome: ControlOutcome;
    try {
      outcome = await this.#parts.controls.apply(jobId, control);
    } catch (error) {
      // Nothing that was asked afterwards may wait for what can never be written.
      if (!isDataError(error)) throw error;
      await this.#bury(message, 'invalid', error);
      message.ack();
      return;
    }
    this.#log.info({ jobId, verb: control.verb, ok: outcome.ok, by: control.by }, outcome.message);
    await this.#tellWorkers(jobId, outcome);
    await this.#answer(jobId, control, outcome);
    message.ack();
  }

  async #answer(jobId: string, control: JobControl, outcome: ControlOutcome): Promise<void> {
    const { ok, message, changed, dryRun, figures, errors, jobId: newJob } = outcome;
    await this.#parts.announcer.say(jobId, {
      type: 'control',
      requestId: control.requestId,
      ok,
      message,
      changed,
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(figures === undefined ? {} : { figures }),
      ...(errors === undefined ? {} : { errors: [...errors] }),
      ...(newJob === undefined ? {} : { jobId: newJob }),
    });
    if (!changed) return;
    this.#parts.announcer.announce(jobId, null);
    this.#parts.wakeUps.feeder.wake();
    this.#parts.wakeUps.expander.wake();
    this.#parts.wakeUps.frameSweeper.wake();
    this.#parts.wakeUps.sequenceJudge.wake();
    if (control.verb === 'delete') this.#parts.wakeUps.collector.wake();
  }

  async #bury(message: JsMsg, reason: string, error: unknown): Promise<void> {
    const once = `control:${message.info.streamSequence}:${message.info.timestampNanos}`;
    const original = { subject: message.subject, data: message.data, once };
    await this.#parts.deadLetters.bury('control', reason, original, error);
  }

  /** Whoever asked hears why not, if the message tells at least which request it is. */
  async #sayRefused(jobId: string, data: Uint8Array, error: FarmError): Promise<void> {
    const requestId = requestIdOf(data);
    if (!isId(jobId) || requestId === undefined) return;
    await this.#parts.announcer.say(jobId, {
      type: 'control',
      requestId,
      ok: false,
      message: error.message,
      changed: false,
      errors: [...error.issues],
    });
  }

  /** Waiting messages go first, so that no worker pulls what was just taken back. */
  async #tellWorkers(jobId: string, outcome: ControlOutcome): Promise<void> {
    const { workers, removed = [], drops = [] } = outcome;
    if (workers) {
      await this.#parts.publisher.purge(jobTasksFilter(jobId));
      this.#connection.publish(jobStopSubject(jobId), encodeMessage({ type: workers }));
    } else await this.#parts.publisher.remove(removed);
    for (const { worker, attempt, frames } of drops) {
      const control: WorkerControl = { type: 'drop', attempt, frames };
      this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
    }
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
