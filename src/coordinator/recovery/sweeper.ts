import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import type { Ledger } from '../../shared/database/connect.ts';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import { jobStopSubject } from '../../shared/contracts/subjects.ts';
import { taskIdOf, taskKeyOf } from '../../shared/domain/task-ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { LaneManager } from '../dispatch/lane-manager.ts';
import { NotLeaderError, type LeaderLease } from '../dispatch/leader-lease.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { Announcer } from '../ledger/announcer.ts';
import type { CutTask } from '../ledger/cut-tasks.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { StreamGuard } from '../runtime/stream-guard.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { CoordinatorMetrics } from '../telemetry/coordinator-metrics.ts';
import type { LostWorkers, RunningTask } from './lost-workers.ts';
import { StrandedTasks } from './stranded-tasks.ts';
import { releaseWaiting } from './waiting-tasks.ts';
import { isLedgerUpToDate, storedTasks, type StoredTask } from './stream-contents.ts';

const EVERY_MS = 10_000;
/** Younger tasks may just be on their way between ledger, stream and worker. */
const SETTLED_AFTER_MS = 10_000;
const MAX_A_ROUND = 5_000;

interface QueuedTask extends CutTask {
  attempt: string | null;
  settled: boolean;
}

interface SweeperParts {
  lease: LeaderLease;
  registry: WorkerRegistry;
  lanes: LaneManager;
  lostWorkers: LostWorkers;
  publisher: TaskPublisher;
  steps: StepInfos;
  announcer: Announcer;
  guard: StreamGuard;
  metrics: CoordinatorMetrics;
  wakeUps: WakeUps;
}

/**
 * Repairs what fell between ledger, stream and workers: lost consumers are made again, tasks that are nowhere are fed
 * again, tasks of lanes that nobody serves and those that a dead worker was handed are cut anew, messages of ended tasks are deleted. Leader only; also right after the streams were made again.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #ledger: Ledger;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  readonly #stranded: StrandedTasks;
  /** The streams are new: what is not in them was lost with the old ones, however young it is. */
  #rebuilt = false;
  /** Since when a live worker has not listed a running attempt, by attempt. */
  #unlisted = new Map<string, number>();
  #unservedLanes = new Map<string, number>();

  constructor(parts: SweeperParts, ledger: Ledger, connection: NatsConnection, log: Logger) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#connection = connection;
    this.#log = log;
    this.#stranded = new StrandedTasks(connection);
    this.#loop = new BackgroundLoop({
      name: 'sweeper',
      wakeUp: parts.wakeUps.sweeper,
      intervalMs: EVERY_MS / 4,
      round: () => this.#sweep(),
      log,
    });
  }

  start(): void {
    this.#parts.lease.onElected(() => this.#parts.wakeUps.sweeper.wake());
    this.#parts.guard.onRebuilt(() => {
      this.#rebuilt = true;
      this.#parts.wakeUps.sweeper.wake();
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #sweep(): Promise<void> {
    if (!this.#parts.lease.isLeader()) return;
    const rebuilt = this.#rebuilt;
    try {
      await this.#parts.lanes.reopenLost();
      const stored = await storedTasks(this.#connection);
      const queued = await this.#queuedTasks();
      const held = this.#parts.registry.heldTasks();
      const unheld = queued.filter((task) => (task.settled || rebuilt) && !held.has(taskIdOf(task.key)));
      await this.#feedAgain(
        unheld.filter((task) => !stored.has(task.key)),
        rebuilt,
      );
      const named = [...stored.values()].filter((task) => held.has(taskIdOf(task.key)));
      await this.#takeBackStranded(
        unheld.filter((task) => stored.has(task.key)),
        named.map(({ lane }) => lane),
      );
      await this.#deleteEnded(stored);
      await this.#endUnlisted();
      await this.#closeLanes();
      await this.#stopStrays();
      if (rebuilt) this.#rebuilt = false;
    } catch (error) {
      if (!(error instanceof NotLeaderError)) throw error;
    }
  }

  async #queuedTasks(): Promise<QueuedTask[]> {
    const { rows } = await sql<QueuedTask>`
      SELECT key, step_key, job_id, engine, lane, feed, frames, generations, resume, slots, gpus, reserved_worker,
        attempt, published_at < now() - make_interval(secs => ${SETTLED_AFTER_MS / 1_000}) AS settled
      FROM tasks WHERE state = 'queued' ORDER BY key LIMIT ${MAX_A_ROUND}`.execute(this.#ledger);
    return rows;
  }

  /** Queued tasks that are neither in the stream nor with a live worker: published again under the next feed. */
  async #feedAgain(missing: readonly QueuedTask[], rebuilt: boolean): Promise<void> {
    if (missing.length === 0 || !(await this.#reportsAreIn(rebuilt))) return;
    const tasks = await this.#ledger.transaction().execute(async (trx) => {
      await this.#parts.lease.fence(trx, [...new Set(missing.map((task) => task.job_id))]);
      const fed = await sql<CutTask>`
        UPDATE tasks t SET feed = t.feed + 1, published_at = now(), resume = true
        FROM unnest(${missing.map((task) => task.key)}::bigint[], ${missing.map((task) => task.feed)}::int[]) AS n(key, feed)
        WHERE t.key = n.key AND t.feed = n.feed AND t.state = 'queued'
        RETURNING t.key, t.step_key, t.job_id, t.engine, t.lane, t.feed, t.frames, t.generations, t.resume,
          t.slots, t.gpus, t.reserved_worker,
          (SELECT s.trust_scripts FROM steps s WHERE s.key = t.step_key) AS trust_scripts`.execute(trx);
      return fed.rows;
    });
    this.#log.warn(
      { tasks: tasks.length },
      'tasks were neither in the stream nor with a worker; they are fed again',
    );
    this.#parts.metrics.repaired(tasks.length);
    const steps = await this.#parts.steps.load([...new Set(tasks.map((task) => task.step_key))]);
    await this.#parts.publisher.publish(tasks, steps);
  }

  /** What was handed to a process that died before it spoke of it goes to others. */
  async #takeBackStranded(unheld: readonly QueuedTask[], named: readonly string[]): Promise<void> {
    const tasks = await this.#stranded.find(unheld, named);
    if (tasks.length === 0 || !(await this.#reportsAreIn(false))) return;
    const why = 'It was handed to a worker that is gone.';
    const count = await releaseWaiting(this.#parts, this.#ledger, tasks, why);
    if (count === 0) return;
    this.#log.warn({ tasks: count }, 'tasks were handed to workers that are gone; they are given to others');
    this.#parts.metrics.repaired(count);
    this.#parts.wakeUps.feeder.wake();
  }

  /** Reports that are still to be read may say that a task which seems lost was done. */
  async #reportsAreIn(rebuilt: boolean): Promise<boolean> {
    return rebuilt || (await isLedgerUpToDate(this.#connection));
  }

  /** Messages of tasks that the ledger has ended: a purge that did not come through. */
  async #deleteEnded(stored: ReadonlyMap<string, StoredTask>): Promise<void> {
    if (stored.size === 0) return;
    const { rows } = await sql<{ key: string }>`
      SELECT n.key::text FROM unnest(${[...stored.keys()]}::bigint[]) AS n(key)
      LEFT JOIN tasks t ON t.key = n.key
      WHERE t.key IS NULL OR (t.state = 'ended' AND t.ended_at < now() - interval '10 seconds')`.execute(
      this.#ledger,
    );
    await this.#parts.publisher.remove(rows.flatMap((row) => stored.get(row.key) ?? []));
  }

  /** Running tasks that their live worker has not listed for a while, though all its reports are in. */
  async #endUnlisted(): Promise<void> {
    const { rows } = await sql<RunningTask>`
      SELECT key, job_id, worker, instance, attempt FROM tasks WHERE state = 'running'`.execute(this.#ledger);
    const now = performance.now();
    const unlisted = rows.filter((task) => {
      const { registry } = this.#parts;
      const worker = registry.get(task.worker);
      if (!worker || registry.isSilent(task.worker) || worker.heartbeat.instance !== task.instance)
        return false;
      return !worker.heartbeat.attempts.some((attempt) => attempt.attempt === task.attempt);
    });
    const before = this.#unlisted;
    this.#unlisted = new Map(unlisted.map((task) => [task.attempt, before.get(task.attempt) ?? now]));
    const lost = unlisted.filter(
      (task) => now - (this.#unlisted.get(task.attempt) ?? now) >= SETTLED_AFTER_MS,
    );
    if (lost.length === 0 || !(await isLedgerUpToDate(this.#connection))) return;
    await this.#parts.lostWorkers.giveUp(lost, {
      why: 'The worker no longer knows of the task.',
      died: false,
    });
  }

  /** Tasks that wait in lanes which no worker pulls from any more go back to be cut for others. */
  async #closeLanes(): Promise<void> {
    const rows = await this.#ledger.selectFrom('lanes').select('id').execute();
    const served = new Set(
      this.#parts.registry
        .all()
        .flatMap((worker) =>
          this.#parts.registry.isSilent(worker.heartbeat.workerId) ? [] : worker.heartbeat.lanes,
        ),
    );
    const now = performance.now();
    const before = this.#unservedLanes;
    const unserved = rows.map((row) => row.id).filter((id) => !served.has(id));
    this.#unservedLanes = new Map(unserved.map((id) => [id, before.get(id) ?? now]));
    const closing = unserved.filter((id) => now - (this.#unservedLanes.get(id) ?? now) >= SETTLED_AFTER_MS);
    if (closing.length === 0) return;
    await this.#recut(closing);
    // A lane with a running task stays: its worker may only be cut off, and acknowledges through the consumer.
    const { rows: busy } = await sql<{ lane: string }>`
      SELECT DISTINCT lane FROM tasks WHERE state IN ('queued', 'running')`.execute(this.#ledger);
    const used = new Set(busy.map((row) => row.lane));
    const empty = closing.filter((id) => !used.has(id));
    if (empty.length > 0) await this.#parts.lanes.close(empty);
  }

  async #recut(lanes: readonly string[]): Promise<void> {
    const tasks = await this.#ledger
      .selectFrom('tasks')
      .select(['key', 'job_id', 'attempt'])
      .where('state', '=', 'queued')
      .where('lane', 'in', lanes)
      .limit(MAX_A_ROUND)
      .execute();
    if (tasks.length === 0) return;
    await releaseWaiting(this.#parts, this.#ledger, tasks, 'No worker serves the lane any more.');
    this.#parts.wakeUps.feeder.wake();
  }

  /** Workers that go on with a cancelled job did not hear that it is to stop: they are told again. */
  async #stopStrays(): Promise<void> {
    const held = [...this.#parts.registry.heldTasks()].flatMap((taskId) => taskKeyOf(taskId) ?? []);
    if (held.length === 0) return;
    const { rows } = await sql<{ job_id: string }>`
      SELECT DISTINCT job_id FROM tasks
      WHERE key = ANY(${held}::bigint[]) AND outcome = 'cancelled'`.execute(this.#ledger);
    for (const { job_id } of rows)
      this.#connection.publish(jobStopSubject(job_id), encodeMessage({ type: 'stop' }));
  }
}
