import type { GroupRoom, WorkerRoom } from './farm-room.ts';
import type { Fit, ShapeRoom } from './shape-room.ts';
import type { StepView } from './snapshot.ts';

/** Where a task goes. */
export interface Place {
  group: GroupRoom;
  slots: number;
  /** null: any worker of the group. */
  worker: WorkerRoom | null;
}

/** Workers that hold an asset, by group. */
interface Holders {
  warm: Map<GroupRoom, WorkerRoom[]>;
  cached: Map<GroupRoom, WorkerRoom[]>;
}

/** Of workers where a scene is loaded, so many are looked at for the shortest queue. */
const MOST_QUEUES = 64;

/** Finds the place of one task and takes it. Which is best: see the documentation of the queue, "Where a task goes". */
export class Placement {
  readonly #groups: readonly GroupRoom[];
  #withAssets: WorkerRoom[] | undefined;
  readonly #holders = new Map<string, Holders>();

  constructor(groups: readonly GroupRoom[]) {
    this.#groups = groups;
  }

  /** @returns undefined when there is no room now. */
  take(
    shape: ShapeRoom,
    { key, asset, needs: { avoid } }: Pick<StepView, 'key' | 'asset' | 'needs'>,
  ): Place | undefined {
    const place =
      avoid !== undefined && hasOthers(shape, avoid)
        ? elsewhere(shape, avoid)
        : (keptPlace(shape, key) ?? this.#find(shape, asset));
    if (!place) return undefined;
    const { group, slots, worker } = place;
    if (slots > 1 && worker) group.takeBig(worker, slots);
    else if (worker) group.takeHome(worker);
    else group.takeShared();
    return place;
  }

  #find(shape: ShapeRoom, asset: string | null): Place | undefined {
    const big = shape.bestBig();
    const small = shape.bestSmall();
    const best = big && (!small || big.rank < small.rank) ? big : small;
    if (!best) return undefined;
    if (asset !== null) {
      const worker = this.#holder(shape, asset, best);
      if (worker) return at(worker, shape.byGroup.get(worker.group));
    }
    if (best.size === 1) return { group: best.group, slots: 1, worker: null };
    return at(best.group.withFree(best.size), best);
  }

  /** A worker with room that has the scene loaded, or else its files, where no better place is given up for it. */
  #holder(shape: ShapeRoom, asset: string, best: Fit): WorkerRoom | undefined {
    const { warm, cached } = this.#holdersOf(asset);
    const idle = isIdle(best);
    const found =
      withRoom(shape, warm, idle ? best.major : Infinity) ??
      withRoom(shape, cached, idle ? best.major : Infinity);
    // When all are busy, the task only waits its turn: best where its scene is loaded, in a short queue.
    return found ?? (idle ? undefined : shortestQueue(shape, warm, best.major));
  }

  #holdersOf(asset: string): Holders {
    const known = this.#holders.get(asset);
    if (known) return known;
    const holders: Holders = { warm: new Map(), cached: new Map() };
    this.#withAssets ??= this.#groups.flatMap((group) =>
      group.workers.filter(({ view }) => view.warm.size + view.cached.size > 0),
    );
    for (const worker of this.#withAssets) {
      const { view, group } = worker;
      if (view.warm.has(asset)) add(holders.warm, group, worker);
      if (worker.free > 0 && view.cached.has(asset)) add(holders.cached, group, worker);
    }
    this.#holders.set(asset, holders);
    return holders;
  }
}

function add(holders: Map<GroupRoom, WorkerRoom[]>, group: GroupRoom, worker: WorkerRoom): void {
  const known = holders.get(group);
  if (known) known.push(worker);
  else holders.set(group, [worker]);
}

/** @param most major rank that a place may have, so that no better one is given up. */
function withRoom(
  shape: ShapeRoom,
  holders: ReadonlyMap<GroupRoom, WorkerRoom[]>,
  most: number,
): WorkerRoom | undefined {
  let best: WorkerRoom | undefined;
  let least = most + 1;
  for (const [group, workers] of holders) {
    const fit = shape.byGroup.get(group);
    if (!fit || fit.major >= least) continue;
    const worker = workers.findLast((one) => hasRoom(one, fit));
    if (worker) [best, least] = [worker, fit.major];
  }
  return best;
}

function shortestQueue(
  shape: ShapeRoom,
  holders: ReadonlyMap<GroupRoom, WorkerRoom[]>,
  most: number,
): WorkerRoom | undefined {
  let best: WorkerRoom | undefined;
  for (const [group, workers] of holders) {
    const fit = shape.byGroup.get(group);
    if (fit?.size !== 1 || fit.major > most || group.window <= 0) continue;
    for (const worker of workers.slice(-MOST_QUEUES))
      if (!worker.reserved && worker.home < (best?.home ?? group.view.slots)) best = worker;
  }
  return best;
}

/** Whether any worker but this one could render it, however busy. */
const hasOthers = ({ fits }: ShapeRoom, avoid: string): boolean =>
  fits.some(({ group }) => group.workers.some(({ view }) => view.id !== avoid));

/** Room at another worker: it waits there for nobody else, so that this one cannot take it. */
function elsewhere({ fits }: ShapeRoom, avoid: string): Place | undefined {
  for (const fit of fits.toSorted((a, b) => a.major - b.major || a.minor - b.minor)) {
    const others = fit.group.workers.filter((worker) => worker.view.id !== avoid && hasRoom(worker, fit));
    const [first, ...rest] = others;
    if (first)
      return at(
        rest.reduce((best, worker) => (worker.free > best.free ? worker : best), first),
        fit,
      );
  }
  return undefined;
}

/** A worker that was kept free for a task of this size, and now is. */
function keptPlace(shape: ShapeRoom, stepKey: string): Place | undefined {
  for (const fit of shape.big) {
    const worker = fit.group.kept(fit.size, stepKey, fit.size);
    if (worker) return at(worker, fit);
  }
  return undefined;
}

/** Alone in its group, a worker needs no lane of its own: the common one is its. */
function at(worker: WorkerRoom | undefined, fit: Fit | undefined): Place | undefined {
  if (!worker || !fit) return undefined;
  const alone = fit.size === 1 && fit.group.workers.length === 1;
  return { group: fit.group, slots: fit.size, worker: alone ? null : worker };
}

const isIdle = ({ group, size }: Fit): boolean => size > 1 || group.free > 0;

const isTaken = (worker: WorkerRoom): boolean => worker.reserved || worker.free <= 0;

function hasRoom(worker: WorkerRoom, { group, size }: Fit): boolean {
  if (isTaken(worker) || worker.free < size || group.free < size) return false;
  return size > 1 || (group.window > 0 && worker.home < group.view.slots);
}
