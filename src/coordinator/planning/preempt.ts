import { chunkOf } from './chunk-size.ts';
import type { GroupRoom } from './farm-room.ts';
import { fits, slotsNeeded } from './fitting.ts';
import { LimitCounts } from './limit-counts.ts';
import type { DispatchPlan, GroupView, Snapshot, StepView, TakeBack, TaskCut, TaskView } from './snapshot.ts';
import { Usage } from './usage.ts';

/**
 * Running tasks that make room for steps that ask to preempt: just as many as are needed, the lowest priority first, and
 * of those the one with most frames left. Tasks that will be done with their frame anyway are waited for.
 */
export function preempted(snapshot: Snapshot, plan: DispatchPlan, groups: readonly GroupRoom[]): TakeBack[] {
  const steps = snapshot.steps.filter((step) => step.preempt && step.ready > 0);
  const queued = snapshot.tasks.filter((task) => task.preempt && task.state === 'queued');
  if (steps.length + queued.length === 0) return [];
  const limits = new LimitCounts(snapshot.rules, new Usage(snapshot));
  const room = new RoomByPreemption(snapshot, plan, groups);
  const forQueued = queued.sort(byPriority).flatMap((task) => room.forQueued(task));
  const forSteps = steps
    .sort((a, b) => b.priority - a.priority || a.submittedAtMs - b.submittedAtMs || compareText(a.key, b.key))
    .flatMap((step) => room.forStep(step, limits.room(step, step.needs.engine)));
  return [...forQueued, ...forSteps];
}

const byPriority = (a: TaskView, b: TaskView): number => b.priority - a.priority || compareText(a.key, b.key);

class RoomByPreemption {
  readonly #snapshot: Snapshot;
  readonly #plan: DispatchPlan;
  readonly #groups: ReadonlyMap<string, GroupView>;
  /** Free slots less what waits, by group. */
  readonly #free: Map<string, number>;
  /** Running tasks that nobody counts on yet, in the order in which they give way. */
  #running: TaskView[];

  constructor(snapshot: Snapshot, plan: DispatchPlan, groups: readonly GroupRoom[]) {
    this.#snapshot = snapshot;
    this.#plan = plan;
    this.#groups = new Map(snapshot.groups.map((group) => [group.id, group]));
    this.#free = new Map(groups.map(({ view, free }) => [view.id, free]));
    this.#running = snapshot.tasks
      .filter((task) => task.state === 'running')
      .sort(
        (a, b) =>
          Number(endsSoon(b)) - Number(endsSoon(a)) ||
          a.priority - b.priority ||
          b.framesLeft - a.framesLeft ||
          compareText(a.key, b.key),
      );
  }

  /** A task that waits in a lane behind running ones. */
  forQueued({ group, worker, priority, slots }: TaskView): TakeBack[] {
    const room = this.#free.get(group) ?? 0;
    if (slots > 1 || room >= 0) return [];
    this.#free.set(group, room + 1);
    const there = (task: TaskView): boolean =>
      task.group === group && (worker === null || task.worker === worker);
    return this.#giveWay(priority, slots, there);
  }

  forStep(step: StepView, room: number): TakeBack[] {
    const cut = this.#plan.cuts.filter((one) => isOf(one, step));
    const left = step.ready - cut.reduce((sum, { frames }) => sum + frames, 0);
    const capacity = this.#capacity(step);
    if (left <= 0 || capacity === 0) return [];
    const wanted = Math.ceil(left / Math.min(step.maxFrames, chunkOf(step, left, capacity)));
    const tasks = Math.min(step.chunk === 'sequential' ? 1 : wanted, room - cut.length, capacity);
    return tasks <= 0 ? [] : [...this.#onReserved(step), ...this.#single(step, tasks)];
  }

  /** A task of one slot takes the slots of whatever gives way. */
  #single(step: StepView, slots: number): TakeBack[] {
    return this.#giveWay(step.priority, slots, (task) => {
      const group = this.#groups.get(task.group);
      return group !== undefined && fits(step.needs, group) && slotsNeeded(step.needs, group) === 1;
    });
  }

  /** A big task needs the slots of one worker: of that which is being emptied for it. */
  #onReserved(step: StepView): TakeBack[] {
    return this.#plan.reservations
      .filter(({ stepKey }) => stepKey === step.key)
      .flatMap(({ worker, group, slots }) => {
        const view = this.#groups.get(group)?.workers.find(({ id }) => id === worker);
        return this.#giveWay(step.priority, slots - (view?.freeSlots ?? 0), (task) => task.worker === worker);
      });
  }

  #giveWay(priority: number, slots: number, there: (task: TaskView) => boolean): TakeBack[] {
    const found: TakeBack[] = [];
    let missing = slots;
    this.#running = this.#running.filter((task) => {
      if (missing <= 0 || task.priority >= priority || !there(task)) return true;
      missing -= task.slots;
      if (!endsSoon(task)) found.push({ taskKey: task.key, why: 'preempt' });
      return false;
    });
    return found;
  }

  #capacity(step: StepView): number {
    let tasks = 0;
    for (const group of this.#snapshot.groups) {
      const size = fits(step.needs, group) ? slotsNeeded(step.needs, group) : null;
      if (size !== null) tasks += group.workers.length * Math.floor(group.slots / size);
    }
    return tasks;
  }
}

const endsSoon = (task: TaskView): boolean => task.releasing || task.framesLeft <= 1;

const isOf = (cut: Pick<TaskCut, 'stepKey' | 'variantMemoryBytes' | 'avoid'>, step: StepView): boolean =>
  cut.stepKey === step.key &&
  cut.variantMemoryBytes === step.variantMemoryBytes &&
  cut.avoid === step.needs.avoid;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
