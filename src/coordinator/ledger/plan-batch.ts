import type { FailureClass, FrameResult } from '../../shared/contracts/messages.ts';
import type { TaskOutcome, TaskState } from '../../shared/database/schema.ts';
import { isNewerAttempt } from './attempt-order.ts';
import type { AttemptResult } from './accept-results.ts';
import { endOf, type AttemptEnd } from './attempt-end.ts';
import { resultProblem } from './check-result.ts';
import type { StatusEvent } from './decode-status.ts';
import type { TaskEnding } from './release-frames.ts';

/** A task as the ledger has it, under its job's lock. */
export interface TaskRow {
  key: string;
  step_key: string;
  job_id: string;
  step: string;
  engine: string;
  lane: string;
  maxAttempts: number;
  state: TaskState;
  outcome: TaskOutcome | null;
  frames: number[];
  generations: number[];
  worker: string | null;
  instance: string | null;
  attempt: string | null;
  /** Of its worker. */
  slots: number;
  /** Its step is held. */
  held: boolean;
}

export interface TaskChange {
  key: string;
  state: 'running' | 'ended';
  outcome: TaskOutcome | null;
  worker: string;
  instance: string;
  attempt: string;
}

export interface AttemptChange {
  id: string;
  taskKey: string;
  jobId: string;
  worker: string;
  instance: string;
  outcome: TaskOutcome | null;
  class: FailureClass | null;
  error: string | null;
  logKey: string | null;
  definition: string | null;
}

/** The end of a task by its worker's own word. */
export interface ReportedEnding extends TaskEnding {
  class: FailureClass | null;
  outcome: TaskOutcome;
}

/** What is known of workers beside the ledger. */
export interface BatchFarm {
  /** Whether a live worker says that it still works on an attempt. */
  isHeld(worker: string, attempt: string): boolean;
  /** Memory in bytes that a task of so many slots can use there; null: nothing is known of the worker. */
  memoryOf(worker: string, slots: number): number | null;
  /** The most memory in bytes that any worker of the engine has; null: none is heard of. */
  largestMemory(engine: string): number | null;
}

/** Which results are in the ledger already, as far as is known without asking it. */
export interface BatchMemory {
  has(taskKey: string, result: FrameResult): boolean;
}

/** What a batch of statuses does to the ledger. */
export interface BatchPlan {
  tasks: Map<string, TaskChange>;
  attempts: Map<string, AttemptChange>;
  results: AttemptResult[];
  endings: ReportedEnding[];
  /** Newest failure by job, for people. */
  jobErrors: Map<string, string>;
  /** Attempts of tasks that were taken back before they started: their workers are told to stop. */
  strays: { worker: string; attempt: string; frames: number[] }[];
  /** Events that were wrong, by index, and why. Their results count for nothing. */
  rejected: Map<number, { reason: 'unknown-task' | 'foreign-attempt' | 'foreign-result'; message: string }>;
}

/**
 * Decides what a batch of statuses changes. Pure. They may be late, twice and in any order: an ended task stays ended,
 * a frame is taken from whoever brings it first, and only the attempt that owns a task can end it.
 * @param known results that need not be looked at again.
 */
export function planBatch(
  events: readonly StatusEvent[],
  tasks: ReadonlyMap<string, TaskRow>,
  farm: BatchFarm,
  known: BatchMemory,
): BatchPlan {
  const plan: BatchPlan = {
    tasks: new Map(),
    attempts: new Map(),
    results: [],
    endings: [],
    jobErrors: new Map(),
    strays: [],
    rejected: new Map(),
  };
  const planner = new BatchPlanner(plan, tasks, farm, known);
  for (const [index, event] of events.entries()) planner.take(event, index);
  return plan;
}

class BatchPlanner {
  readonly #plan: BatchPlan;
  readonly #tasks: ReadonlyMap<string, TaskRow>;
  readonly #farm: BatchFarm;
  readonly #known: BatchMemory;
  readonly #seen = new Set<string>();
  readonly #frames = new Map<string, Map<number, number>>();

  constructor(plan: BatchPlan, tasks: ReadonlyMap<string, TaskRow>, farm: BatchFarm, known: BatchMemory) {
    this.#plan = plan;
    this.#tasks = tasks;
    this.#farm = farm;
    this.#known = known;
  }

  take(event: StatusEvent, index: number): void {
    const task = this.#tasks.get(event.taskKey);
    const { status } = event;
    if (task?.job_id !== event.jobId || task.step !== status.step) {
      this.#plan.rejected.set(index, {
        reason: 'unknown-task',
        message: `There is no task ${event.taskId} of step ${status.step} in job ${event.jobId}.`,
      });
      return;
    }
    if (this.#isForeign(event, task)) {
      this.#plan.rejected.set(index, {
        reason: 'foreign-attempt',
        message: `Worker ${event.workerId} speaks for attempt ${status.attempt}, which another worker has.`,
      });
      return;
    }
    const problem = this.#takeResults(event, task);
    if (problem !== undefined)
      this.#plan.rejected.set(index, {
        reason: 'foreign-result',
        message: `A result was refused: ${problem}.`,
      });
    this.#noteAttempt(event, task, problem);
    if (status.type === 'started') this.#start(event, task);
    else if (status.type !== 'frames') this.#end(event, task, problem);
  }

  /** A delivery goes to one worker: nobody else can know how it went. */
  #isForeign(event: StatusEvent, task: TaskRow): boolean {
    const { attempt, worker } = this.#plan.tasks.get(task.key) ?? task;
    return attempt === event.status.attempt && worker !== null && worker !== event.workerId;
  }

  #takeResults(event: StatusEvent, task: TaskRow): string | undefined {
    const { status, workerId } = event;
    const done = 'done' in status ? status.done : [];
    for (const result of done) {
      const key = `${task.step_key}/${result.number}/${result.generation}`;
      if (this.#seen.has(key) || this.#known.has(task.key, result)) continue;
      const problem = resultProblem(result, {
        jobId: task.job_id,
        step: task.step,
        engine: task.engine,
        attempt: status.attempt,
        frames: this.#framesOf(task),
      });
      if (problem !== undefined) return problem;
      this.#seen.add(key);
      this.#plan.results.push({
        stepKey: task.step_key,
        taskKey: task.key,
        attempt: status.attempt,
        worker: workerId,
        result,
      });
    }
    return undefined;
  }

  #start(event: StatusEvent, task: TaskRow): void {
    const { status, workerId } = event;
    const current = this.#plan.tasks.get(task.key) ?? task;
    if (current.state === 'ended') {
      const takenBack = current.outcome === 'released' || current.outcome === 'cancelled';
      if (takenBack && current.attempt !== status.attempt)
        this.#plan.strays.push({ worker: workerId, attempt: status.attempt, frames: task.frames });
      return;
    }
    if (this.#owns(status.attempt, current)) this.#change(event, task, 'running', null);
  }

  #end(event: StatusEvent, task: TaskRow, problem: string | undefined): void {
    const { status, workerId } = event;
    const current = this.#plan.tasks.get(task.key) ?? task;
    if (current.state === 'ended' || !this.#owns(status.attempt, current)) return;
    const end = endOf(status, problem, task.frames);
    this.#change(event, task, 'ended', end.outcome);
    this.#plan.endings.push({
      taskKey: task.key,
      outcome: end.outcome,
      class: end.class,
      blame: end.blame,
      charge: end.charge,
      memory: this.#memoryOf(end, event.workerId, task),
      delaySeconds: end.delaySeconds,
      mayBeHeld: false,
      attempt: status.attempt,
      worker: workerId,
      error: end.error,
      maxAttempts: task.maxAttempts,
    });
    if (end.outcome === 'failed') this.#plan.jobErrors.set(task.job_id, end.error);
  }

  #memoryOf(end: AttemptEnd, worker: string, task: TaskRow): TaskEnding['memory'] {
    if (end.charge !== 'memory') return { hadBytes: null, largestBytes: null };
    return {
      hadBytes: this.#farm.memoryOf(worker, task.slots),
      largestBytes: this.#farm.largestMemory(task.engine),
    };
  }

  /** An attempt owns its task when no other does, or when a later delivery finds the owner gone. */
  #owns(attempt: string, task: { attempt: string | null; worker: string | null }): boolean {
    if (task.attempt === null || task.attempt === attempt) return true;
    if (!isNewerAttempt(attempt, task.attempt)) return false;
    return task.worker === null || !this.#farm.isHeld(task.worker, task.attempt);
  }

  #change(event: StatusEvent, task: TaskRow, state: TaskChange['state'], outcome: TaskOutcome | null): void {
    this.#plan.tasks.set(task.key, {
      key: task.key,
      state,
      outcome,
      worker: event.workerId,
      instance: event.status.instance,
      attempt: event.status.attempt,
    });
  }

  #noteAttempt(event: StatusEvent, task: TaskRow, problem: string | undefined): void {
    const { status } = event;
    const known = this.#plan.attempts.get(status.attempt);
    const ends = status.type !== 'started' && status.type !== 'frames';
    const end = ends ? endOf(status, problem, task.frames) : undefined;
    this.#plan.attempts.set(status.attempt, {
      id: status.attempt,
      taskKey: task.key,
      jobId: task.job_id,
      worker: event.workerId,
      instance: status.instance,
      outcome: known?.outcome ?? end?.outcome ?? null,
      class: known?.class ?? (status.type === 'failed' ? status.class : null),
      error: known?.error ?? (end?.outcome === 'completed' ? null : (end?.error ?? null)),
      logKey: known?.logKey ?? ('logKey' in status ? status.logKey : null),
      definition: status.definition ?? null,
    });
  }

  #framesOf(task: TaskRow): Map<number, number> {
    const known = this.#frames.get(task.key);
    if (known) return known;
    const frames = new Map(task.frames.map((number, index) => [number, task.generations[index] ?? 1]));
    this.#frames.set(task.key, frames);
    return frames;
  }
}
