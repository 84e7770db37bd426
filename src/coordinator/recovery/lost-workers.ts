import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { NotLeaderError, type LeaderLease } from '../dispatch/leader-lease.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import { SILENT_AFTER_MS, type WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { endTasks } from '../ledger/end-tasks.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import type { WorkerRepository } from '../ledger/worker-repository.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import { WakeUp, type WakeUps } from '../runtime/wake-ups.ts';
import { lostGraceMs } from './lost-grace.ts';
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

interface LostWorkersParts {
  registry: WorkerRegistry;
  clock: OutageClock;
  lease: LeaderLease;
  steps: StepInfos;
  workers: WorkerRepository;
  publisher: TaskPublisher;
  announcer: Announcer;
  wakeUps: WakeUps;
}

/** Finds workers that died or were cut off, by their heartbeats, and gives their frames to others. Leader only. */
export class LostWorkers {
  readonly #parts: LostWorkersParts;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  readonly #wakeUp = new WakeUp();
  /** By the outage clock: a worker that was never heard of is waited for from here. */
  #leaderSince = 0;
  #savedAt = 0;

  constructor(parts: LostWorkersParts, ledger: Ledger, log: Logger) {
    this.#parts = parts;
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
    });
    this.#parts.registry.onHeartbeat(({ previousInstance, changed }) => {
      // A new process of a known worker has none of the old one's frames.
      if (previousInstance !== undefined || changed) this.#wakeUp.wake();
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** Ends running tasks as lost; their frames go to others, who ask before they render. */
  async giveUp(tasks: readonly RunningTask[], why: string): Promise<void> {
    if (tasks.length === 0) return;
    const { lease, steps, publisher, announcer, wakeUps } = this.#parts;
    const { ended, changes } = await this.#ledger.transaction().execute(async (trx) => {
      await lease.fence(trx, [...new Set(tasks.map((task) => task.job_id))]);
      return endTasks(trx, steps, tasks, {
        outcome: 'lost',
        blame: 'none',
        delaySeconds: 0,
        mayBeHeld: true,
        error: why,
      });
    });
    if (ended.length === 0) return;
    this.#log.warn(
      { tasks: ended.length, workers: [...new Set(ended.map((task) => task.worker))], why },
      'tasks are lost',
    );
    for (const [jobId, frames] of changes) announcer.announce(jobId, frames);
    wakeUps.feeder.wake();
    await publisher.remove(ended);
  }

  async #check(): Promise<void> {
    if (!this.#parts.lease.isLeader()) return;
    try {
      await this.#saveWorkers();
      const { rows } = await sql<RunningTask>`
        SELECT key, job_id, worker, instance, attempt FROM tasks WHERE state = 'running'`.execute(
        this.#ledger,
      );
      const restarted = rows.filter((task) => this.#isOtherInstance(task));
      const silent = rows.filter((task) => !this.#isOtherInstance(task) && this.#isLost(task));
      await this.giveUp(restarted, 'The worker was started again.');
      await this.giveUp(silent, 'The worker was not heard of any more.');
    } catch (error) {
      if (!(error instanceof NotLeaderError)) throw error;
    }
  }

  #isOtherInstance(task: RunningTask): boolean {
    const worker = this.#parts.registry.get(task.worker);
    return worker !== undefined && worker.heartbeat.instance !== task.instance;
  }

  #isLost(task: RunningTask): boolean {
    const worker = this.#parts.registry.get(task.worker);
    const seenAt = Math.max(worker?.seenAt ?? 0, this.#leaderSince);
    const silentMs = this.#parts.clock.now() - seenAt;
    // It said goodbye: nothing of it will come back.
    if (worker?.heartbeat.state === 'stopping') return silentMs >= SILENT_AFTER_MS / 2;
    const held = worker?.heartbeat.attempts.find((attempt) => attempt.attempt === task.attempt);
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
