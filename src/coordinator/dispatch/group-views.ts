import type { GroupView, Reservation, TaskView, WorkerView } from '../planning/snapshot.ts';
import { laneWindow } from '../planning/lane-window.ts';
import { abilityOf } from './worker-facts.ts';
import type { KnownWorker } from './worker-registry.ts';

/** What open tasks take of a worker. */
interface WorkerLoad {
  /** Slots of what it runs. */
  running: number;
  /** Tasks of one slot that wait for it alone. */
  homeQueued: number;
  /** Slots of larger tasks that wait for it alone. */
  bigQueued: number;
}

export interface Loads {
  workers: ReadonlyMap<string, WorkerLoad>;
  /** Tasks that wait for any worker of a group. */
  queued: ReadonlyMap<string, number>;
}

/** Adds up open tasks by workers and groups. */
export function loadsOf(tasks: readonly TaskView[]): Loads {
  const workers = new Map<string, WorkerLoad>();
  const queued = new Map<string, number>();
  for (const task of tasks) {
    if (task.worker === null) {
      queued.set(task.group, (queued.get(task.group) ?? 0) + 1);
      continue;
    }
    const load = workers.get(task.worker) ?? { running: 0, homeQueued: 0, bigQueued: 0 };
    if (task.state === 'running') load.running += task.slots;
    else if (task.slots > 1) load.bigQueued += task.slots;
    else load.homeQueued++;
    workers.set(task.worker, load);
  }
  return { workers, queued };
}

/** The lanes of workers, as far as groups are concerned. */
export interface WorkerLanes {
  sharedLane: (worker: KnownWorker) => string | undefined;
  homeLane: (worker: KnownWorker) => string | undefined;
}

/**
 * Groups with the workers that take work and pull from their lane, and how much each may get now.
 * @param options.reserving what workers are being emptied for.
 * @param options.rateOf tasks a second that a group completes; undefined: nothing is known yet.
 */
export function groupViews(options: {
  workers: readonly KnownWorker[];
  lanes: WorkerLanes;
  loads: Loads;
  reserving: ReadonlyMap<string, Reservation>;
  rateOf: (group: string) => number | undefined;
}): GroupView[] {
  const groups = new Map<string, KnownWorker[]>();
  for (const worker of options.workers) {
    if (options.lanes.sharedLane(worker) === undefined) continue;
    const group = groups.get(worker.group);
    if (group) group.push(worker);
    else groups.set(worker.group, [worker]);
  }
  return [...groups].map(([id, workers]) => groupView(id, workers, options));
}

const NOTHING: ReadonlySet<string> = new Set();

function groupView(
  id: string,
  workers: readonly KnownWorker[],
  { lanes, loads, reserving, rateOf }: Parameters<typeof groupViews>[0],
): GroupView {
  let slots = 0;
  let taken = 0;
  const views = workers.map((worker): WorkerView => {
    const { workerId, slots: all } = worker.heartbeat;
    const load = loads.workers.get(workerId) ?? { running: 0, homeQueued: 0, bigQueued: 0 };
    const own = load.running + load.bigQueued;
    // A worker that is being emptied takes nothing from the common lane.
    if (!reserving.has(workerId) && load.bigQueued === 0) {
      slots += all;
      taken += Math.min(all, own + load.homeQueued);
    }
    return {
      id: workerId,
      freeSlots: Math.max(0, all - own),
      homeQueued: load.homeQueued,
      reserving: reserving.get(workerId) ?? null,
      warm: lanes.homeLane(worker) === undefined ? NOTHING : worker.assets.warm,
      cached: worker.assets.cached,
    };
  });
  // They are interchangeable: what one says of its hardware holds for all.
  const [{ heartbeat }] = workers as [KnownWorker];
  return {
    id,
    ...abilityOf(heartbeat),
    window: laneWindow({ slots, queued: loads.queued.get(id) ?? 0, running: taken, rate: rateOf(id) }),
    workers: views,
  };
}
