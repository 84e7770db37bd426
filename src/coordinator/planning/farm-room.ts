import type { GroupView, Reservation, TaskView, WorkerView } from './snapshot.ts';

/** At most this part of a group's workers, but always one, is emptied for big tasks at a time. */
const RESERVED_SHARE = 0.25;
/** What a frame is taken to need while none of its step was measured. */
const UNKNOWN_FRAME_SECONDS = 60;

/** A worker's room in a round of dispatch; it only shrinks. */
export interface WorkerRoom {
  view: WorkerView;
  group: GroupRoom;
  /** Slots that no task takes: neither one in its hands nor one that waits for it alone. */
  free: number;
  /** Tasks of one slot that wait for it alone. */
  home: number;
  /** It takes nothing that is smaller: a big task waits for it, or it is being emptied for one. */
  reserved: boolean;
  /** What it is being emptied for, until somebody asks for that in this round. */
  kept: Reservation | null;
}

/** Room of interchangeable workers in a round of dispatch; it only shrinks. */
export class GroupRoom {
  readonly view: GroupView;
  readonly index: number;
  readonly workers: WorkerRoom[];
  /** Slots that no task takes, those kept free for big tasks not counted. Below zero: more waits than there is room. */
  free: number;
  /** Tasks that its common lane may still get. */
  window: number;
  /** Highest level of those who found no room here. */
  wantedAt = -1;
  readonly #reserved: WorkerRoom[];
  #byFree: WorkerRoom[][] | undefined;
  readonly #soonest = new Map<number, WorkerRoom[]>();

  constructor(view: GroupView, index: number, queued: Queued) {
    this.view = view;
    this.index = index;
    this.window = view.window;
    this.free = -(queued.group.get(view.id) ?? 0);
    this.workers = view.workers.map((worker) => {
      const promised = queued.big.has(worker.id);
      const reserved = promised || worker.reserving !== null;
      const kept = promised ? null : worker.reserving;
      const free = worker.freeSlots - worker.homeQueued;
      if (!reserved) this.free += Math.max(0, free);
      return { view: worker, group: this, free, home: worker.homeQueued, reserved, kept };
    });
    this.#reserved = this.workers.filter((worker) => worker.reserved);
  }

  /** A task of one slot for the common lane. */
  takeShared(): void {
    this.window--;
    this.free--;
  }

  /** Nothing of one slot is cut ahead for it: what becomes free is looked at first. */
  lookNoFurther(): void {
    this.window = Math.min(this.window, Math.max(0, this.free));
  }

  /** A task of one slot for one worker alone. */
  takeHome(worker: WorkerRoom): void {
    worker.home++;
    worker.free--;
    this.takeShared();
  }

  /** A worker that is not kept free for others and has so many slots free: the one that has least beyond that. */
  withFree(slots: number): WorkerRoom | undefined {
    if (this.free < slots) return undefined;
    this.#byFree ??= this.#sortByFree();
    for (let free = slots; free <= this.view.slots; free++) {
      const workers = this.#byFree[free] ?? [];
      for (let worker = workers.at(-1); worker; worker = workers.at(-1)) {
        if (worker.free === free && !worker.reserved) return worker;
        workers.pop(); // its room has changed since
        if (worker.free <= 0 || worker.reserved) continue;
        this.#byFree[worker.free]?.push(worker);
        if (worker.free >= slots) return worker;
      }
    }
    return undefined;
  }

  /** A task of several slots for one worker. */
  takeBig(worker: WorkerRoom, slots: number): void {
    if (!worker.reserved) this.#exclude(worker);
    worker.free -= slots;
    worker.kept = null;
  }

  /**
   * A worker that is being emptied for a task of this size, best of this step, and that nobody asked for yet.
   * @param free slots that it must have free already.
   */
  kept(slots: number, stepKey: string, free = -Infinity): WorkerRoom | undefined {
    let found: WorkerRoom | undefined;
    for (const worker of this.#reserved) {
      if (worker.kept?.slots !== slots || worker.free < free) continue;
      if (worker.kept.stepKey === stepKey) return worker;
      found ??= worker;
    }
    return found;
  }

  get mayReserve(): boolean {
    return this.#reserved.length < Math.max(1, Math.floor(this.workers.length * RESERVED_SHARE));
  }

  /** Keeps the worker free from now on: what it has is no room for others. */
  reserve(worker: WorkerRoom): void {
    if (!worker.reserved) this.#exclude(worker);
    worker.kept = null;
  }

  /** The worker that will have so many slots free before the others, of those that are not kept free for somebody. */
  soonest(slots: number, tasks: (worker: string) => readonly TaskView[]): WorkerRoom | undefined {
    let order = this.#soonest.get(slots);
    if (!order) {
      const timed = this.workers
        .filter((worker) => !worker.reserved)
        .map((worker) => ({ worker, seconds: secondsUntilFree(worker, slots, tasks(worker.view.id)) }));
      order = timed.sort((a, b) => b.seconds - a.seconds).map(({ worker }) => worker);
      this.#soonest.set(slots, order);
    }
    for (let worker = order.at(-1); worker; worker = order.at(-1)) {
      if (!worker.reserved) return worker;
      order.pop();
    }
    return undefined;
  }

  /** From the moment at which it waits for a big task, a worker takes nothing smaller. */
  #exclude(worker: WorkerRoom): void {
    worker.reserved = true;
    this.#reserved.push(worker);
    const free = Math.max(0, worker.free);
    this.free -= free;
    this.window -= Math.min(this.window, free);
  }

  #sortByFree(): WorkerRoom[][] {
    const byFree: WorkerRoom[][] = Array.from({ length: this.view.slots + 1 }, () => []);
    for (const worker of this.workers) if (worker.free > 0) byFree[worker.free]?.push(worker);
    return byFree;
  }
}

/** What waits: slots in common lanes by group, and workers for which a big task waits. */
interface Queued {
  group: Map<string, number>;
  big: Set<string>;
}

export function queuedSlots(tasks: readonly TaskView[]): Queued {
  const queued: Queued = { group: new Map(), big: new Set() };
  for (const task of tasks) {
    if (task.state !== 'queued') continue;
    if (task.worker === null) queued.group.set(task.group, (queued.group.get(task.group) ?? 0) + task.slots);
    else if (task.slots > 1) queued.big.add(task.worker);
  }
  return queued;
}

/** Seconds that a running task still takes. */
export function secondsLeft(task: TaskView): number {
  const frame = task.secondsPerFrame ?? Math.max(UNKNOWN_FRAME_SECONDS, task.ageMs / 1_000);
  return task.framesLeft * frame;
}

function secondsUntilFree(worker: WorkerRoom, slots: number, tasks: readonly TaskView[]): number {
  let free = worker.free;
  if (free >= slots) return 0;
  const ends = tasks
    .map((task) => ({ seconds: secondsLeft(task), slots: task.slots }))
    .sort((a, b) => a.seconds - b.seconds);
  for (const end of ends) {
    free += end.slots;
    if (free >= slots) return end.seconds;
  }
  return Infinity;
}
