import type { GroupView, TaskView, WorkerView } from './snapshot.ts';

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
  /** Kept free for a task of so many slots. */
  reserved: number | null;
  /** The reservation was asked for again in this round, or a big task was given. */
  claimed: boolean;
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
  #reserved = 0;
  #byFree: WorkerRoom[][] | undefined;
  readonly #soonest = new Map<number, WorkerRoom[]>();

  constructor(view: GroupView, index: number, queued: Queued) {
    this.view = view;
    this.index = index;
    this.window = view.window;
    this.workers = view.workers.map((worker) => {
      const own = queued.worker.get(worker.id);
      return {
        view: worker,
        group: this,
        free: worker.freeSlots - Math.max(worker.homeQueued, own?.slots ?? 0),
        home: Math.max(worker.homeQueued, own?.single ?? 0),
        reserved: worker.reserving,
        // A big task waits for it already: until it has begun, the worker is kept free for that one.
        claimed: own !== undefined && own.slots > own.single,
      };
    });
    this.free = -(queued.group.get(view.id) ?? 0);
    for (const worker of this.workers)
      if (worker.reserved === null) this.free += Math.max(0, worker.free);
      else this.#reserved++;
  }

  /** A task of one slot for the common lane. */
  takeShared(): void {
    this.window--;
    this.free--;
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
        if (worker.free === free && worker.reserved === null) return worker;
        workers.pop(); // its room has changed since
        if (worker.free <= 0 || worker.reserved !== null) continue;
        this.#byFree[worker.free]?.push(worker);
        if (worker.free >= slots) return worker;
      }
    }
    return undefined;
  }

  /** A task of several slots for one worker. */
  takeBig(worker: WorkerRoom, slots: number): void {
    worker.free -= slots;
    worker.claimed = true;
    if (worker.reserved !== null) return; // its slots were not counted
    this.free -= slots;
    this.window -= Math.min(this.window, slots);
  }

  /** A worker that is already kept free for a task of this size and that nobody asked for yet. */
  kept(slots: number): WorkerRoom | undefined {
    if (this.#reserved === 0) return undefined;
    return this.workers.find((worker) => worker.reserved === slots && !worker.claimed);
  }

  get mayReserve(): boolean {
    return this.#reserved < Math.max(1, Math.floor(this.workers.length * RESERVED_SHARE));
  }

  /** Keeps the worker free from now on: what it has is no room for others. */
  reserve(worker: WorkerRoom, slots: number): void {
    worker.claimed = true;
    if (worker.reserved !== null) return;
    worker.reserved = slots;
    this.#reserved++;
    const free = Math.max(0, worker.free);
    this.free -= free;
    this.window -= Math.min(this.window, free);
  }

  /** A reservation that nobody asks for any more: the worker serves all others again. */
  release(worker: WorkerRoom): void {
    worker.reserved = null;
    this.#reserved--;
  }

  /** The worker that will have so many slots free before the others, of those that are not kept free for somebody. */
  soonest(slots: number, tasks: (worker: string) => readonly TaskView[]): WorkerRoom | undefined {
    let order = this.#soonest.get(slots);
    if (!order) {
      const timed = this.workers
        .filter((worker) => worker.reserved === null)
        .map((worker) => ({ worker, seconds: secondsUntilFree(worker, slots, tasks(worker.view.id)) }));
      order = timed.sort((a, b) => b.seconds - a.seconds).map(({ worker }) => worker);
      this.#soonest.set(slots, order);
    }
    for (let worker = order.at(-1); worker; worker = order.at(-1)) {
      if (worker.reserved === null && !worker.claimed) return worker;
      order.pop();
    }
    return undefined;
  }

  #sortByFree(): WorkerRoom[][] {
    const byFree: WorkerRoom[][] = Array.from({ length: this.view.slots + 1 }, () => []);
    for (const worker of this.workers) if (worker.free > 0) byFree[worker.free]?.push(worker);
    return byFree;
  }
}

/** Slots of tasks that wait: in common lanes by group, and for one worker alone. */
export interface Queued {
  group: Map<string, number>;
  worker: Map<string, { slots: number; single: number }>;
}

export function queuedSlots(tasks: readonly TaskView[]): Queued {
  const queued: Queued = { group: new Map(), worker: new Map() };
  for (const task of tasks) {
    if (task.state !== 'queued') continue;
    if (task.worker === null) queued.group.set(task.group, (queued.group.get(task.group) ?? 0) + task.slots);
    else {
      const own = queued.worker.get(task.worker) ?? { slots: 0, single: 0 };
      own.slots += task.slots;
      if (task.slots === 1) own.single++;
      queued.worker.set(task.worker, own);
    }
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
