import { GroupRoom, queuedSlots } from './farm-room.ts';
import { fits } from './fitting.ts';
import { LimitCounts } from './limit-counts.ts';
import { planRound } from './plan-round.ts';
import { preempted } from './preempt.ts';
import type { DispatchPlan, Snapshot, TakeBack, TaskView } from './snapshot.ts';
import { Usage } from './usage.ts';

/** So long a task may wait for the worker that has its scene loaded while others idle. */
const HOME_PATIENCE_MS = 2_000;
/** A task that has just begun is not asked to give anything back. */
const SETTLED_MS = 1_000;
/** Less than this is not worth loading the scene elsewhere. */
const WORTH_SECONDS = 5;
/** So long a reservation may take before tasks of many frames are asked to make room at the end of a frame. */
const RESERVATION_PATIENCE_MS = 60_000;

/**
 * Which tasks are to give back what they have not begun, so that others can have it. Pure. Running ones finish the frame
 * under way; nothing that was rendered is lost, and nobody is blamed.
 * - `preempt`: a step that asked for it waits, and work of lower priority has the slots.
 * - `reservation`: a worker is being emptied for a big task, and has been for a minute.
 * - `idle-elsewhere`: a task waits for a busy worker that has its scene loaded, while others idle.
 * - `straggler`: slots idle and nothing is left to cut, while a task still has many frames.
 */
export function planTakeBack(snapshot: Snapshot): TakeBack[] {
  if (snapshot.tasks.length === 0) return [];
  const queued = queuedSlots(snapshot.tasks);
  const groups = snapshot.groups.map((group, index) => new GroupRoom(group, index, queued));
  const idle = groups.some((group) => group.free > 0);
  const reserving = groups.some((group) => group.view.workers.some((worker) => worker.reserving !== null));
  const preempting = [...snapshot.steps, ...snapshot.tasks].some(({ preempt }) => preempt);
  if (!idle && !reserving && !preempting) return [];
  // What the next round will do anyway needs nobody to give anything back.
  const plan = planRound(snapshot);
  const found = [
    ...preempted(snapshot, plan, groups),
    ...reservedTooLong(snapshot, plan),
    ...(idle ? forIdleSlots(snapshot, plan, groups) : []),
  ];
  return [...new Map(found.reverse().map((takeBack) => [takeBack.taskKey, takeBack])).values()].reverse();
}

function reservedTooLong({ nowMs, groups, tasks }: Snapshot, { reservations }: DispatchPlan): TakeBack[] {
  const late = reservations.filter(({ sinceMs }) => nowMs - sinceMs >= RESERVATION_PATIENCE_MS);
  if (late.length === 0) return [];
  const free = new Map(
    groups.flatMap(({ workers }) => workers.map((worker) => [worker.id, worker.freeSlots])),
  );
  return late.flatMap(({ worker, slots }) => {
    let missing = slots - (free.get(worker) ?? 0);
    const found: TakeBack[] = [];
    const running = tasks.filter((task) => task.worker === worker && task.state === 'running');
    for (const task of running.sort(bySoonestFrame)) {
      if (missing <= 0) break;
      missing -= task.slots;
      if (!task.releasing && task.framesLeft > 1) found.push({ taskKey: task.key, why: 'reservation' });
    }
    return found;
  });
}

/** Those that end by themselves first, then those whose frame is done the soonest. */
const bySoonestFrame = (a: TaskView, b: TaskView): number =>
  Number(b.releasing || b.framesLeft <= 1) - Number(a.releasing || a.framesLeft <= 1) ||
  (a.secondsPerFrame ?? Infinity) - (b.secondsPerFrame ?? Infinity) ||
  compareText(a.key, b.key);

function forIdleSlots(snapshot: Snapshot, plan: DispatchPlan, groups: readonly GroupRoom[]): TakeBack[] {
  const idle = new IdleSlots(groups, plan);
  if (idle.none) return [];
  const busy = new Set(groups.flatMap(({ workers }) => workers.filter(isBusy).map(({ view }) => view.id)));
  const found: TakeBack[] = [];
  for (const task of snapshot.tasks) {
    const waits =
      task.state === 'queued' && task.slots === 1 && task.worker !== null && busy.has(task.worker);
    if (waits && task.ageMs >= HOME_PATIENCE_MS && idle.take(task, 1) > 0)
      found.push({ taskKey: task.key, why: 'idle-elsewhere' });
  }
  const running = snapshot.tasks.filter((task) => task.state === 'running' && task.framesLeft > 1);
  for (const task of running) if (task.releasing) idle.take(task, task.framesLeft - 1);
  const limits = new LimitCounts(snapshot.rules, new Usage(snapshot));
  const stragglers = running.filter(
    (task) =>
      task.adaptive && !task.releasing && task.ageMs >= SETTLED_MS && restSeconds(task) >= WORTH_SECONDS,
  );
  for (const task of stragglers.sort((a, b) => restSeconds(b) - restSeconds(a) || compareText(a.key, b.key)))
    if (limits.room(task, task.engine) > 0 && idle.take(task, task.framesLeft - 1) > 0)
      found.push({ taskKey: task.key, why: 'straggler' });
  return found;
}

const isBusy = (worker: GroupRoom['workers'][number]): boolean => worker.view.freeSlots <= 0;

/** Seconds of what a task has not begun; what a frame needs is taken from how long this one has taken, if need be. */
const restSeconds = (task: TaskView): number =>
  (task.framesLeft - 1) * (task.secondsPerFrame ?? task.ageMs / 1_000);

/** Slots that stay idle after the next round. */
class IdleSlots {
  readonly #groups: { group: GroupRoom; idle: number }[];

  constructor(groups: readonly GroupRoom[], { cuts }: DispatchPlan) {
    const taken = new Map<string, number>();
    for (const cut of cuts) taken.set(cut.group, (taken.get(cut.group) ?? 0) + cut.slots);
    this.#groups = groups
      .map((group) => ({ group, idle: group.free - (taken.get(group.view.id) ?? 0) }))
      .filter(({ idle }) => idle > 0);
  }

  get none(): boolean {
    return this.#groups.length === 0;
  }

  /** @returns how many of so many further tasks could begin in slots that idle; those are taken. */
  take(task: TaskView, tasks: number): number {
    let left = tasks;
    for (const place of this.#groups) {
      if (left === 0) break;
      const fitting =
        task.needs === null ? place.group.view.id === task.group : fits(task.needs, place.group.view);
      if (!fitting) continue;
      const begun = Math.min(left, Math.floor(place.idle / task.slots));
      place.idle -= begun * task.slots;
      left -= begun;
    }
    return tasks - left;
  }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
