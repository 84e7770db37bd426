import type { NatsConnection, Subscription } from 'nats';
import { SUBJECTS, lastToken } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { FROM_HEADER, type Announcer } from '../ledger/announcer.ts';
import { cutTasks, type CutTask, type PlacedCut } from '../ledger/cut-tasks.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { CompletionRate } from '../planning/lane-window.ts';
import { planRound } from '../planning/plan-round.ts';
import type { DispatchPlan, Snapshot } from '../planning/snapshot.ts';
import { UsedLatelyMeter } from '../planning/used-lately.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { Submissions } from '../intake/submission.ts';
import type { FarmRulesCache } from './farm-rules.ts';
import { freshSteps } from './fresh-steps.ts';
import { groupViews, loadsOf } from './group-views.ts';
import type { LaneManager } from './lane-manager.ts';
import { NotLeaderError, type LeaderLease } from './leader-lease.ts';
import { OpenWork } from './open-work.ts';
import type { TaskTurn } from './open-tasks.ts';
import { placeCuts } from './place-cuts.ts';
import { queuedByJob } from './queued-changes.ts';
import { TakeBacks } from './take-backs.ts';
import type { TaskPublisher } from './task-publisher.ts';
import type { WorkerRegistry } from './worker-registry.ts';

const TICK_MS = 500;
const TAKE_BACKS_EVERY_MS = 250;
const USE_MEASURED_EVERY_MS = 1_000;

interface FeederParts {
  lanes: LaneManager;
  registry: WorkerRegistry;
  lease: LeaderLease;
  steps: StepInfos;
  submissions: Submissions;
  rules: FarmRulesCache;
  publisher: TaskPublisher;
  announcer: Announcer;
  wakeUps: WakeUps;
}

/** Keeps a small window of tasks in each lane. Only the leader feeds; one round at a time. */
export class Feeder {
  readonly #parts: FeederParts;
  readonly #ledger: Ledger;
  readonly #coordinatorId: string;
  readonly #connection: NatsConnection;
  readonly #loop: BackgroundLoop;
  readonly #work: OpenWork;
  readonly #takeBacks: TakeBacks;
  readonly #used = new UsedLatelyMeter();
  readonly #rates = new Map<string, CompletionRate>();
  #reserving: DispatchPlan['reservations'] = [];
  /** What the last round decided on. */
  #seen: Snapshot | undefined;
  #takenBackAt = 0;
  #usedAt = 0;
  #subscription: Subscription | undefined;

  constructor(
    parts: FeederParts,
    ledger: Ledger,
    connection: NatsConnection,
    coordinatorId: string,
    log: Logger,
  ) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#coordinatorId = coordinatorId;
    this.#connection = connection;
    this.#work = new OpenWork(ledger, parts.steps);
    this.#takeBacks = new TakeBacks(parts, this.#work.tasks, ledger, connection, log);
    this.#loop = new BackgroundLoop({
      name: 'feeder',
      wakeUp: parts.wakeUps.feeder,
      intervalMs: TICK_MS,
      round: () => this.#feed(),
      log,
    });
  }

  start(): void {
    const { lease, announcer, registry, submissions, wakeUps } = this.#parts;
    lease.onElected(() => {
      this.#seen = undefined;
      this.#work.reset();
      this.#reserving = [];
      wakeUps.feeder.wake();
    });
    announcer.onChange((jobId, news) => {
      if (news !== 'known') this.#changed(jobId, news === 'all');
    });
    // What other coordinators took or accepted is work or room for this one.
    this.#subscription = this.#connection.subscribe(SUBJECTS.statusJobAll, {
      callback: (error, message) => {
        if (!error && message.headers?.get(FROM_HEADER) !== this.#coordinatorId)
          this.#changed(lastToken(message.subject), true);
      },
    });
    submissions.onFresh((fresh) => {
      if (!lease.isLeader()) return false;
      this.#work.fresh(fresh.job.id, freshSteps(fresh));
      return true;
    });
    registry.onHeartbeat(({ worker }) => this.#work.tasks.heard(worker.heartbeat.attempts));
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#subscription?.drain();
    await this.#loop.stop();
  }

  /** The farm as the last round saw it, with what waits and runs by now; undefined where this process does not feed it. */
  get view(): Snapshot | undefined {
    if (!this.#seen || !this.#parts.lease.isLeader()) return undefined;
    return { ...this.#seen, steps: this.#work.steps.views(), tasks: this.#work.tasks.all() };
  }

  /** Tasks were started or have ended, by what workers report: slots are taken or free, and a group's rate is seen. */
  tasksTurned(turns: Iterable<TaskTurn>): void {
    if (!this.#parts.lease.isLeader()) return;
    for (const turn of turns) {
      const task = this.#work.tasks.turn(turn);
      if (task && turn.state === 'ended' && task.slots === 1) this.#rate(task.group).add(1);
    }
    this.#parts.wakeUps.feeder.wake();
  }

  #changed(jobId: string, tasks: boolean): void {
    // Whoever does not lead need not keep up; it reads everything when it is elected.
    if (!this.#parts.lease.isLeader()) this.#work.reset();
    else {
      this.#work.changed(jobId, tasks);
      this.#parts.wakeUps.feeder.wake();
    }
  }

  async #feed(): Promise<void> {
    try {
      while (this.#parts.lease.isLeader()) if (!(await this.#round())) return;
    } catch (error) {
      // The lease went to somebody else in the middle: nothing was written, and there is nothing to repair.
      if (!(error instanceof NotLeaderError)) throw error;
    }
  }

  /** @returns whether another round may find more to do. */
  async #round(): Promise<boolean> {
    const snapshot = await this.#snapshot();
    this.#seen = snapshot;
    const plan = planRound(snapshot);
    this.#reserving = plan.reservations;
    const placed = placeCuts(plan.cuts, snapshot, this.#parts.registry, this.#parts.lanes);
    const short = placed.length > 0 && (await this.#dispatch(placed));
    this.#reserve();
    return (await this.#takeBack()) || short;
  }

  async #snapshot(): Promise<Snapshot> {
    const [rules] = await Promise.all([this.#parts.rules.read(), this.#work.refresh()]);
    const tasks = this.#work.tasks.all();
    const nowMs = performance.now();
    if (nowMs - this.#usedAt >= USE_MEASURED_EVERY_MS) {
      this.#used.measure(
        tasks.filter((task) => task.state === 'running'),
        nowMs,
      );
      this.#usedAt = nowMs;
    }
    return {
      nowMs,
      steps: this.#work.steps.views(),
      tasks,
      rules,
      used: this.#used,
      groups: groupViews({
        workers: this.#parts.registry.takingWork(),
        lanes: this.#parts.lanes,
        loads: loadsOf(tasks),
        reserving: new Map(this.#reserving.map((reservation) => [reservation.worker, reservation])),
        rateOf: (group) => this.#rate(group).read(nowMs),
      }),
    };
  }

  /** @returns whether fewer frames were there than planned with. */
  async #dispatch(cuts: readonly PlacedCut[]): Promise<boolean> {
    const stepKeys = [...new Set(cuts.map((cut) => cut.stepKey))];
    const infos = await this.#parts.steps.load(stepKeys);
    const jobIds = [...new Set(stepKeys.flatMap((key) => infos.get(key)?.jobId ?? []))];
    // A cut that is forgotten does no harm: its frames are ready and cut again, and what a worker tells of the task that
    // nobody knows is set aside. Not waiting for the disk halves the way from a job to its first frame.
    const tasks = await this.#ledger.transaction().execute(async (trx) => {
      await this.#parts.lease.fence(trx, jobIds, 'lazy');
      return cutTasks(trx, cuts);
    });
    const short = this.#note(cuts, tasks);
    if (tasks.length === 0) return false;
    await this.#parts.publisher.publish(tasks, infos);
    for (const [jobId, frames] of queuedByJob(tasks, infos))
      this.#parts.announcer.announce(jobId, frames, 'known');
    return short;
  }

  /** What was cut is known without asking the ledger; where it was less than planned, the ledger is asked. */
  #note(cuts: readonly PlacedCut[], tasks: readonly CutTask[]): boolean {
    const groups = new Map(cuts.map((cut) => [cut.lane, cut]));
    const missing = new Map<string, number>();
    for (const cut of cuts) missing.set(cut.stepKey, (missing.get(cut.stepKey) ?? 0) + cut.frames);
    for (const task of tasks) {
      missing.set(task.step_key, (missing.get(task.step_key) ?? 0) - task.frames.length);
      this.#work.tasks.cut(task, groups.get(task.lane)?.group ?? '');
    }
    for (const cut of cuts) if (missing.get(cut.stepKey) === 0) this.#work.steps.taken(cut);
    const short = [...missing].filter(([, frames]) => frames > 0);
    for (const [stepKey] of short) {
      const jobId = this.#work.steps.facts(stepKey)?.jobId;
      if (jobId !== undefined) this.#work.changed(jobId, false);
    }
    return short.length > 0;
  }

  /** Workers are kept free for tasks that cannot be placed yet, and until those placed with them have begun. */
  #reserve(): void {
    const slots = new Map(this.#reserving.map((reservation) => [reservation.worker, reservation.slots]));
    for (const task of this.#work.tasks.all())
      if (task.state === 'queued' && task.slots > 1 && task.worker !== null)
        slots.set(task.worker, Math.max(task.slots, slots.get(task.worker) ?? 0));
    this.#parts.lanes.reserve(slots);
  }

  async #takeBack(): Promise<boolean> {
    const now = performance.now();
    if (now - this.#takenBackAt < TAKE_BACKS_EVERY_MS) return false;
    this.#takenBackAt = now;
    return this.#takeBacks.run(await this.#snapshot());
  }

  #rate(group: string): CompletionRate {
    const known = this.#rates.get(group);
    if (known) return known;
    const rate = new CompletionRate(performance.now());
    this.#rates.set(group, rate);
    return rate;
  }
}
