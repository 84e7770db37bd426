import type { NatsConnection, Subscription } from 'nats';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { FrameChange } from '../../shared/contracts/messages.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { FROM_HEADER, type Announcer } from '../ledger/announcer.ts';
import { cutTasks, type CutTask, type PlacedCut } from '../ledger/cut-tasks.ts';
import type { StepInfo, StepInfos } from '../ledger/step-info.ts';
import { MAX_CHUNK } from '../planning/chunk-size.ts';
import { CompletionRate, laneWindow } from '../planning/lane-window.ts';
import { planDispatch, type LaneView, type StepView } from '../planning/plan-dispatch.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { readLaneLoads, readReadySteps, type StepRow } from './dispatch-snapshot.ts';
import type { LaneManager } from './lane-manager.ts';
import { NotLeaderError, type LeaderLease } from './leader-lease.ts';
import type { TaskPublisher } from './task-publisher.ts';

const TICK_MS = 500;
/** A step that gave fewer frames than it counts has frames in back-off; it is asked again after this. */
const EXHAUSTED_MS = 250;
/** What a frame takes in a task message, and what a message may take in all (NATS's default limit is 1 MiB). */
const FRAME_BYTES = 48;
const MESSAGE_BYTES = 1_040_000;
const MAX_ANNOUNCED = 2_000;

/** Keeps a small window of tasks in each lane. Only the leader feeds; one round at a time. */
export class Feeder {
  readonly #ledger: Ledger;
  readonly #coordinatorId: string;
  readonly #connection: NatsConnection;
  readonly #lanes: LaneManager;
  readonly #lease: LeaderLease;
  readonly #steps: StepInfos;
  readonly #publisher: TaskPublisher;
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #loop: BackgroundLoop;
  readonly #rates = new Map<string, CompletionRate>();
  readonly #exhausted = new Map<string, number>();
  #subscription: Subscription | undefined;

  constructor(
    parts: {
      lanes: LaneManager;
      lease: LeaderLease;
      steps: StepInfos;
      publisher: TaskPublisher;
      announcer: Announcer;
      wakeUps: WakeUps;
    },
    ledger: Ledger,
    connection: NatsConnection,
    coordinatorId: string,
    log: Logger,
  ) {
    this.#ledger = ledger;
    this.#coordinatorId = coordinatorId;
    this.#connection = connection;
    this.#lanes = parts.lanes;
    this.#lease = parts.lease;
    this.#steps = parts.steps;
    this.#publisher = parts.publisher;
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#loop = new BackgroundLoop({
      name: 'feeder',
      wakeUp: parts.wakeUps.feeder,
      intervalMs: TICK_MS,
      round: () => this.#feed(),
      log,
    });
  }

  start(): void {
    this.#lease.onElected(() => this.#wakeUps.feeder.wake());
    // What other coordinators took or accepted is work or room for this one.
    this.#subscription = this.#connection.subscribe(SUBJECTS.statusJobAll, {
      callback: (error, message) => {
        if (!error && message.headers?.get(FROM_HEADER) !== this.#coordinatorId) this.#wakeUps.feeder.wake();
      },
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#subscription?.drain();
    await this.#loop.stop();
  }

  /** Tasks of a lane have ended: its rate decides how far ahead it is fed. */
  tasksEnded(lanes: Iterable<string>): void {
    for (const lane of lanes) this.#rate(lane).add(1);
    this.#wakeUps.feeder.wake();
  }

  async #feed(): Promise<void> {
    try {
      while (this.#lease.isLeader()) if (!(await this.#round())) return;
    } catch (error) {
      // The lease went to somebody else in the middle: nothing was written, and there is nothing to repair.
      if (!(error instanceof NotLeaderError)) throw error;
    }
  }

  /** @returns whether another round may find more to do. */
  async #round(): Promise<boolean> {
    const open = this.#lanes.openLanes();
    if (open.length === 0) return false;
    const engines = [...new Set(open.flatMap((lane) => lane.engines.map((engine) => engine.id)))];
    const [loads, rows] = await Promise.all([
      readLaneLoads(this.#ledger),
      readReadySteps(this.#ledger, engines, this.#excluded()),
    ]);
    if (rows.length === 0) return false;
    const now = performance.now();
    const lanes: LaneView[] = open.map((lane) => {
      const load = loads.get(lane.id) ?? { queued: 0, running: 0 };
      const rate = this.#rate(lane.id).read(now);
      return {
        id: lane.id,
        engines: new Set(lane.engines.map((engine) => engine.id)),
        slots: lane.slots,
        window: laneWindow({ slots: lane.slots, ...load, rate }),
      };
    });
    if (lanes.every((lane) => lane.window === 0)) return false;
    const steps = await this.#steps.load(rows.map((row) => row.key));
    const views = rows.flatMap((row) => {
      const info = steps.get(row.key);
      return info ? [stepView(row, info)] : [];
    });
    const cuts = planDispatch(views, lanes);
    if (cuts.length === 0) return false;
    const placed = cuts.flatMap(({ stepKey, lane: id, frames }) => {
      const lane = open.find((one) => one.id === id);
      const engine = steps.get(stepKey)?.engine;
      const engineVersion = lane?.engines.find((offered) => offered.id === engine)?.version;
      if (lane === undefined || engineVersion === undefined) return [];
      const { group } = lane;
      return [
        {
          stepKey,
          lane: id,
          frames,
          group,
          engineVersion,
          variantMemoryBytes: null,
          slots: 1,
          gpus: 0,
          worker: null,
        },
      ];
    });
    return this.#dispatch(placed, steps);
  }

  async #dispatch(cuts: readonly PlacedCut[], steps: ReadonlyMap<string, StepInfo>): Promise<boolean> {
    const jobIds = [...new Set(cuts.flatMap((cut) => steps.get(cut.stepKey)?.jobId ?? []))];
    const tasks = await this.#ledger.transaction().execute(async (trx) => {
      await this.#lease.fence(trx, jobIds);
      return cutTasks(trx, cuts);
    });
    const exhausted = this.#noteExhausted(cuts, tasks);
    if (tasks.length === 0) return exhausted;
    await this.#publisher.publish(tasks, steps);
    this.#announce(tasks, steps);
    return exhausted;
  }

  #announce(tasks: readonly CutTask[], steps: ReadonlyMap<string, StepInfo>): void {
    const changes = new Map<string, FrameChange[] | null>();
    for (const task of tasks) {
      const step = steps.get(task.step_key);
      const known = changes.get(task.job_id) ?? [];
      if (changes.get(task.job_id) === null || !step) continue;
      if (known.length + task.frames.length > MAX_ANNOUNCED) changes.set(task.job_id, null);
      else changes.set(task.job_id, [...known, ...queuedChanges(task, step.name)]);
    }
    for (const [jobId, frames] of changes) this.#announcer.announce(jobId, frames);
  }

  #noteExhausted(cuts: readonly PlacedCut[], tasks: readonly CutTask[]): boolean {
    const missing = new Map<string, number>();
    for (const cut of cuts) missing.set(cut.stepKey, (missing.get(cut.stepKey) ?? 0) + cut.frames);
    for (const task of tasks)
      missing.set(task.step_key, (missing.get(task.step_key) ?? 0) - task.frames.length);
    const short = [...missing].filter(([, frames]) => frames > 0);
    for (const [stepKey] of short) this.#exhausted.set(stepKey, performance.now() + EXHAUSTED_MS);
    return short.length > 0;
  }

  #excluded(): string[] {
    const now = performance.now();
    for (const [stepKey, until] of this.#exhausted) if (until <= now) this.#exhausted.delete(stepKey);
    return [...this.#exhausted.keys()];
  }

  #rate(lane: string): CompletionRate {
    const known = this.#rates.get(lane);
    if (known) return known;
    const rate = new CompletionRate(performance.now());
    this.#rates.set(lane, rate);
    return rate;
  }
}

const chunkOf = (text: string): StepView['chunk'] =>
  text === 'auto' || text === 'sequential' ? text : Number(text);

function stepView(row: StepRow, info: StepInfo): StepView {
  return {
    key: row.key,
    engine: row.engine,
    priority: row.priority,
    submittedAt: row.submitted_at.getTime(),
    jobId: row.job_id,
    position: row.position,
    ready: row.ready,
    secondsPerFrame: row.done > 0 ? row.seconds_done / row.done : null,
    targetSeconds: row.target_seconds,
    chunk: chunkOf(row.chunk),
    openTasks: row.open_tasks,
    maxFrames: Math.max(
      1,
      Math.min(MAX_CHUNK, Math.floor((MESSAGE_BYTES - info.messageBytes) / FRAME_BYTES)),
    ),
  };
}

function queuedChanges(task: CutTask, step: string): FrameChange[] {
  return task.frames.map((number, index) => ({
    step,
    number,
    state: 'queued',
    generation: task.generations[index] ?? 1,
    worker: null,
    seconds: null,
    error: null,
  }));
}
