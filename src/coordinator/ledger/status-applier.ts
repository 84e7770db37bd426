import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { WorkerControl } from '../../shared/contracts/messages.ts';
import { SUBJECTS, workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { FarmRulesCache } from '../dispatch/farm-rules.ts';
import type { Feeder } from '../dispatch/feeder.ts';
import type { FarmView } from '../failures/farm-view.ts';
import type { HoldNotices } from '../failures/hold-notices.ts';
import type { DeadLetters } from '../intake/dead-letters.ts';
import { DurableReader } from '../runtime/durable-reader.ts';
import type { StreamGuard } from '../runtime/stream-guard.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { CoordinatorMetrics } from '../telemetry/coordinator-metrics.ts';
import type { Announcer } from './announcer.ts';
import { applyBatch, type AppliedBatch } from './apply-batch.ts';
import { isDataError } from './data-error.ts';
import { decodeStatus, type StatusEvent } from './decode-status.ts';
import { KnownResults } from './known-results.ts';
import type { StepInfos } from './step-info.ts';

/** The durable consumer that writes what workers report into the ledger. */
export const LEDGER_CONSUMER = 'ledger';
const BATCH_MESSAGES = 500;
const LINGER_MS = 5;

interface ReceivedEvent {
  event: StatusEvent;
  message: JsMsg;
}

/** Reads what workers say of their tasks and applies it in batches. Acknowledged after the commit. */
export class StatusApplier {
  readonly #ledger: Ledger;
  readonly #steps: StepInfos;
  readonly #farm: FarmView;
  readonly #notices: HoldNotices;
  readonly #feeder: Feeder;
  readonly #rules: FarmRulesCache;
  readonly #announcer: Announcer;
  readonly #deadLetters: DeadLetters;
  readonly #metrics: CoordinatorMetrics;
  readonly #wakeUps: WakeUps;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #reader: DurableReader;
  readonly #known = new KnownResults();

  constructor(
    parts: {
      steps: StepInfos;
      farm: FarmView;
      notices: HoldNotices;
      feeder: Feeder;
      rules: FarmRulesCache;
      announcer: Announcer;
      deadLetters: DeadLetters;
      metrics: CoordinatorMetrics;
      guard: StreamGuard;
      wakeUps: WakeUps;
    },
    ledger: Ledger,
    connection: NatsConnection,
    log: Logger,
  ) {
    this.#ledger = ledger;
    this.#steps = parts.steps;
    this.#farm = parts.farm;
    this.#notices = parts.notices;
    this.#feeder = parts.feeder;
    this.#rules = parts.rules;
    this.#announcer = parts.announcer;
    this.#deadLetters = parts.deadLetters;
    this.#metrics = parts.metrics;
    this.#wakeUps = parts.wakeUps;
    this.#connection = connection;
    this.#log = log;
    this.#reader = new DurableReader(
      connection,
      parts.guard,
      {
        stream: STREAMS.status.name,
        durable: LEDGER_CONSUMER,
        filter: SUBJECTS.statusTaskAll,
        batch: BATCH_MESSAGES,
        lingerMs: LINGER_MS,
        handle: (messages) => this.#handle(messages),
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

  async #handle(messages: readonly JsMsg[]): Promise<void> {
    const events: ReceivedEvent[] = [];
    for (const message of messages) {
      const event = await this.#decode(message);
      if (event) events.push({ event, message });
    }
    if (events.length > 0) await this.#apply(events);
    for (const message of messages) message.ack();
  }

  /** What Postgres cannot store must not keep the rest of its batch waiting for ever: it is found by halving. */
  async #apply(events: readonly ReceivedEvent[]): Promise<void> {
    let applied: AppliedBatch;
    try {
      applied = await applyBatch(
        this.#ledger,
        this.#steps,
        events.map(({ event }) => event),
        this.#farm,
        this.#known,
      );
    } catch (error) {
      if (!isDataError(error)) throw error;
      const [only] = events;
      if (only && events.length === 1) {
        await this.#bury(
          only.message,
          'invalid',
          new FarmError('invalid', messageOf(error), { cause: error }),
        );
        return;
      }
      const half = Math.ceil(events.length / 2);
      await this.#apply(events.slice(0, half));
      await this.#apply(events.slice(half));
      return;
    }
    for (const [index, { reason, message: text }] of applied.plan.rejected) {
      const received = events[index];
      if (!received) continue;
      await this.#bury(received.message, reason, new FarmError('invalid', text));
      // What is known of the job in memory may be more than the ledger knows.
      if (reason === 'unknown-task') this.#announcer.announce(received.event.jobId);
    }
    this.#measure(events, applied);
    await this.#tell(applied);
  }

  #measure(events: readonly ReceivedEvent[], applied: AppliedBatch): void {
    for (const { event } of events)
      if (event.status.type === 'started') this.#metrics.taskStarted(event.taskKey, event.status.delivery);
      else this.#metrics.taskHeardOf(event.taskKey);
    for (const { outcome } of applied.plan.attempts.values())
      if (outcome) this.#metrics.attemptEnded(outcome);
    this.#metrics.staleResults(applied.stale);
  }

  async #decode(message: JsMsg): Promise<StatusEvent | undefined> {
    try {
      return decodeStatus(message.subject, message.data);
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      await this.#bury(message, error.code, error);
      return undefined;
    }
  }

  async #bury(message: JsMsg, reason: string, error: FarmError): Promise<void> {
    const once = `status:${message.info.streamSequence}:${message.info.timestampNanos}`;
    await this.#deadLetters.bury(
      'status',
      reason,
      { subject: message.subject, data: message.data, once },
      error,
    );
  }

  async #tell(applied: AppliedBatch): Promise<void> {
    // Before dispatch hears that slots are free again.
    if (applied.conclusions.limitsLowered) this.#rules.changed();
    // Where more changed than is listed, tasks may have, too.
    for (const [jobId, frames] of applied.changes)
      this.#announcer.announce(jobId, frames, frames === null ? 'all' : 'steps');
    this.#feeder.tasksTurned(applied.plan.tasks.values());
    for (const { worker, attempt, frames } of applied.plan.strays) this.#drop(worker, attempt, frames);
    await this.#dropTaken(applied);
    if (applied.judged) this.#wakeUps.sequenceJudge.wake();
    this.#farm.addTroubled(applied.conclusions.workers);
    await this.#notices.tell(applied.conclusions.held);
    if (applied.stale > 0)
      this.#log.debug({ results: applied.stale }, 'results changed nothing: they came late or twice');
  }

  /** Workers that hold frames which somebody else has brought are told to leave them out. */
  async #dropTaken(applied: AppliedBatch): Promise<void> {
    const byTask = new Map<string, number[]>();
    for (const { task_key, number } of applied.takenFromOthers)
      if (task_key !== null) byTask.set(task_key, [...(byTask.get(task_key) ?? []), number]);
    if (byTask.size === 0) return;
    const holders = await this.#ledger
      .selectFrom('tasks')
      .select(['key', 'worker', 'attempt'])
      .where('key', 'in', [...byTask.keys()])
      .where('state', '=', 'running')
      .execute();
    for (const { key, worker, attempt } of holders)
      if (worker !== null && attempt !== null) this.#drop(worker, attempt, byTask.get(key) ?? []);
  }

  #drop(worker: string, attempt: string, frames: number[]): void {
    const control: WorkerControl = { type: 'drop', attempt, frames };
    this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
  }
}
