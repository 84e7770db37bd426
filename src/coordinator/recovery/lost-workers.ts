import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { NotLeaderError, type LeaderLease } from '../dispatch/leader-lease.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import { SILENT_AFTER_MS, type WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { FarmView } from '../failures/farm-view.ts';
import type { HoldNotices } from '../failures/hold-notices.ts';
import { noteLosses, withdrawLosses } from '../failures/losses.ts';
import { takeFailures } from '../failures/take-failures.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { endTasks } from '../ledger/end-tasks.ts';
import type { Blame } from '../ledger/release-frames.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import type { WorkerRepository } from '../ledger/worker-repository.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import { WakeUp, type WakeUps } from '../runtime/wake-ups.ts';
import { LastWords } from './last-words.ts';
import { lostGraceMs } from './lost-grace.ts';
import { recallWorkers } from './recall-workers.ts';
import { takeBackWaiting } from './waiting-tasks.ts';
import type { OutageClock } from './outage-clock.ts';

const CHECK_EVERY_MS = 500;
const SAVE_EVERY_MS = 1_000;

export interface RunningTask {
  key: string;
  job_id: string;
  worker: string;
  instance: string;
  attempt: string;
}

/** What the end of a worker means for its tasks. */
interface GivenUp {
  why: string;
  /** The worker seems to have died: the frame that was being rendered is charged with it. */
  died: boolean;
}

interface LostWorkersParts {
  registry: WorkerRegistry;
  clock: OutageClock;
  lease: LeaderLease;
  steps: StepInfos;
  workers: WorkerRepository;
  publisher: TaskPublisher;
  announcer: Announcer;
  notices: HoldNotices;
  farm: FarmView;
  wakeUps: WakeUps;
}

/** Finds workers that died or were cut off, by their heartbeats, and gives their frames to others. Leader only. */
export class LostWorkers {
  readonly #parts: LostWorkersParts;
  readonly #ledger: Ledger;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  readonly #wakeUp = new WakeUp();
  /** By the outage clock: a worker that was never heard of is waited for from here. */
  #leaderSince = 0;
  #savedAt = 0;
  readonly #lastWords = new LastWords();
  /** Attempts that were given up with a worker's process that may only be cut off, by that process. */
  readonly #silent = new Map<string, { worker: string; instance: string; attempts: Map<string, string> }>();

  /** Workers that were there before this coordinator led, and were not heard of since. */
  readonly #recalled = new Set<string>();
  #recallDue = false;
  /** Silent workers whose waiting tasks were taken back. */
  readonly #emptied = new Set<string>();

  constructor(parts: LostWorkersParts, ledger: Ledger, connection: NatsConnection, log: Logger) {
    this.#parts = parts;
    this.#connection = connection;
    this.#ledger = ledger;
    this.#log = log;
    this.#loop = new BackgroundLoop({
      name: 'lost workers',
      wakeUp: this.#wakeUp,
      intervalMs: CHECK_EVERY_MS,
      round: () => this.#check(),
      log,
    });
  }

  start(): void {
    this.#parts.lease.onElected(() => {
      this.#leaderSince = this.#parts.clock.now();
      this.#savedAt = 0;
      this.#recallDue = true;
    });
    this.#parts.registry.onHeartbeat(({ worker, previousInstance, changed }) => {
      this.#lastWords.hear(worker.heartbeat);
      // A new process of a known worker has none of the old one's frames.
      if (previousInstance !== undefined || changed) this.#wakeUp.wake();
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /**
   * Ends running tasks as lost; their frames go to others, who ask before they render. Where the worker died, the frame
   * that was being rendered is charged with it: at the third death it is given up, so that no frame kills worker after worker.
   */
  async giveUp(tasks: readonly RunningTask[], { why, died }: GivenUp): Promise<void> {
    if (tasks.length === 0) return;
    const { lease, steps, farm, publisher, announcer, notices, wakeUps } = this.#parts;
    const { ended, changes, failures } = await this.#ledger.transaction().execute(async (trx) => {
      await lease.fence(trx, [...new Set(tasks.map((task) => task.job_id))]);
      const blamed = tasks.map((task) => ({ ...task, ...(died ? { blame: this.#blame(task) } : {}) }));
      const { ended, moved, changes } = await endTasks(trx, steps, blamed, {
        outcome: 'lost',
        blame: 'none',
        charge: 'loss',
        delaySeconds: 0,
        mayBeHeld: true,
        error: why,
      });
      await noteLosses(trx, ended, moved);
      const failed = new Map(
        ended.map(({ key, worker }) => [key, { worker, class: 'loss' as const, error: why }]),
      );
      const failures = await takeFailures(
        trx,
        { steps, able: (step, version) => farm.able(step, version) },
        failed,
        moved,
      );
      return { ended, changes, failures };
    });
    if (ended.length === 0) return;
    this.#log.warn(
      { tasks: ended.length, workers: [...new Set(ended.map((task) => task.worker))], why },
      'tasks are lost',
    );
    farm.addTroubled(failures.workers);
    for (const [jobId, frames] of changes) announcer.announce(jobId, frames);
    wakeUps.feeder.wake();
    await publisher.remove(ended);
    await notices.tell(failures.held);
  }

  async #check(): Promise<void> {
    if (!this.#parts.lease.isLeader()) return;
    try {
      if (this.#recallDue) await this.#recall();
      await this.#saveWorkers();
      await this.#withdraw();
      const { rows } = await sql<RunningTask>`
        SELECT key, job_id, worker, instance, attempt FROM tasks WHERE state = 'running'`.execute(
        this.#ledger,
      );
      const restarted = rows.filter((task) => this.#isOtherInstance(task));
      const silent = rows.filter((task) => !this.#isOtherInstance(task) && this.#isLost(task));
      const [stopped, crashed] = partition(restarted, (task) => this.#saidGoodbye(task));
      const [left, vanished] = partition(silent, (task) => this.#saidGoodbye(task));
      await this.giveUp([...stopped, ...left], { why: 'The worker was stopped.', died: false });
      await this.giveUp(crashed, { why: 'The worker was started again.', died: true });
      this.#rememberSilent(vanished);
      await this.giveUp(vanished, { why: 'The worker was not heard of any more.', died: true });
      await this.#takeBackWaiting();
    } catch (error) {
      if (!(error instanceof NotLeaderError)) throw error;
    }
  }

  /** A new leader has not heard those that died before it came. */
  async #recall(): Promise<void> {
    for (const heartbeat of await recallWorkers(this.#ledger, this.#connection, this.#log)) {
      this.#lastWords.recall(heartbeat);
      this.#recalled.add(heartbeat.workerId);
    }
    this.#recallDue = false;
  }

  /** What had been delivered to processes that are gone and had not begun, such as tasks that were fetched ahead. */
  async #takeBackWaiting(): Promise<void> {
    const { registry, clock, wakeUps } = this.#parts;
    const heard = registry.all().map(({ heartbeat, seenAt }) => ({ id: heartbeat.workerId, seenAt }));
    const unheard = [...this.#recalled].map((id) => ({ id, seenAt: -Infinity }));
    const gone = [...heard, ...unheard].filter(
      ({ seenAt }) => clock.now() - Math.max(seenAt, this.#leaderSince) >= lostGraceMs(0),
    );
    for (const id of this.#emptied) if (!gone.some((worker) => worker.id === id)) this.#emptied.delete(id);
    const fresh = gone.filter(({ id }) => !this.#emptied.has(id));
    const keys = [
      ...this.#lastWords.takeFormerHands(),
      ...fresh.flatMap(({ id }) => this.#lastWords.handsOf(id)),
    ];
    const taken = await takeBackWaiting(this.#parts, this.#ledger, keys);
    for (const { id } of fresh) this.#emptied.add(id);
    if (taken > 0) wakeUps.feeder.wake();
  }

  /** Nobody where the task waited in the worker's hands; otherwise the frame that its heartbeat named last. */
  #blame(task: RunningTask): Blame {
    const words = this.#lastWords.of(task.worker, task.instance);
    const held = words?.attempts.find((attempt) => attempt.attempt === task.attempt);
    return held?.waiting === true ? 'none' : { underWay: held?.frame ?? null };
  }

  /** Its operator stopped it: that is no death. */
  #saidGoodbye(task: RunningTask): boolean {
    return this.#lastWords.of(task.worker, task.instance)?.state === 'stopping';
  }

  #rememberSilent(tasks: readonly RunningTask[]): void {
    for (const { worker, instance, attempt, job_id } of tasks) {
      const process = `${worker}/${instance}`;
      const known = this.#silent.get(process) ?? { worker, instance, attempts: new Map<string, string>() };
      this.#silent.set(process, { ...known, attempts: known.attempts.set(attempt, job_id) });
    }
  }

  /** A process that is heard of again had not died: its frames are not charged with it. */
  async #withdraw(): Promise<void> {
    const { registry, lease, announcer, wakeUps } = this.#parts;
    for (const [process, { worker, instance, attempts }] of this.#silent) {
      const known = registry.get(worker);
      if (known?.heartbeat.instance !== instance) this.#silent.delete(process);
      else if (!registry.isSilent(worker)) {
        const jobs = await this.#ledger.transaction().execute(async (trx) => {
          await lease.fence(trx, [...new Set(attempts.values())]);
          return withdrawLosses(trx, [...attempts.keys()]);
        });
        this.#silent.delete(process);
        for (const jobId of jobs) announcer.announce(jobId, null);
        if (jobs.size > 0) wakeUps.feeder.wake();
      }
    }
  }

  #isOtherInstance(task: RunningTask): boolean {
    const worker = this.#parts.registry.get(task.worker);
    return worker !== undefined && worker.heartbeat.instance !== task.instance;
  }

  #isLost(task: RunningTask): boolean {
    const worker = this.#parts.registry.get(task.worker);
    const words = worker?.heartbeat ?? this.#lastWords.of(task.worker, task.instance);
    const seenAt = Math.max(worker?.seenAt ?? 0, this.#leaderSince);
    const silentMs = this.#parts.clock.now() - seenAt;
    // It said goodbye: nothing of it will come back.
    if (words?.state === 'stopping') return silentMs >= SILENT_AFTER_MS / 2;
    const held = words?.attempts.find((attempt) => attempt.attempt === task.attempt);
    const rendered = held === undefined ? 0 : held.frameSeconds + silentMs / 1_000;
    return silentMs >= lostGraceMs(rendered);
  }

  /** The ledger hears of workers at most once a second, and of those that fell silent. */
  async #saveWorkers(): Promise<void> {
    const { registry, clock, workers } = this.#parts;
    const now = clock.now();
    const heard = registry.all().filter((worker) => now - worker.seenAt < SILENT_AFTER_MS);
    const urgent = heard.some((worker) => worker.changed);
    if (!urgent && now - this.#savedAt < SAVE_EVERY_MS) return;
    const fresh = heard.filter((worker) => worker.changed || worker.seenAt >= this.#savedAt);
    await workers.save(fresh);
    for (const worker of fresh) worker.changed = false;
    this.#savedAt = now;
    for (const worker of registry.all()) this.#recalled.delete(worker.heartbeat.workerId);
    this.#lastWords.keepOnly([
      ...registry.all().map((worker) => worker.heartbeat.workerId),
      ...this.#recalled,
    ]);
    await this.#saveSilent(now);
  }

  async #saveSilent(now: number): Promise<void> {
    if (now - this.#leaderSince < SILENT_AFTER_MS) return;
    const { registry, workers } = this.#parts;
    const gone = (await workers.online()).filter((id) => registry.isSilent(id));
    const left = (id: string): boolean => registry.get(id)?.heartbeat.state === 'stopping';
    await workers.setState(
      gone.filter((id) => !left(id)),
      'lost',
    );
    await workers.setState(gone.filter(left), 'offline');
    if (gone.length > 0) this.#parts.wakeUps.feeder.wake();
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
