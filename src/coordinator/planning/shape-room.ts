import { fits, shapeOf, slotsNeeded } from './fitting.ts';
import type { GroupRoom } from './farm-room.ts';
import { Heap } from './heap.ts';
import type { Needs } from './snapshot.ts';

/** A group that fits, and how well. */
export interface Fit {
  group: GroupRoom;
  /** Slots that a task takes of its workers. */
  size: number;
  /** What goes before warm scenes: the site that was asked for, and GPUs that others need. */
  major: number;
  /** What comes after cached assets: memory and tags that others may need. */
  minor: number;
  /** As it stands in the heap; it only grows. */
  rank: number;
}

/** More than any group has slots; ranks are compared as one number. */
const MANY = 1e6;

/**
 * Where tasks of one shape (equal needs) may go in a round. Room only shrinks in a round: a shape that found none is full
 * until its end, and the steps behind it need not ask again.
 */
export class ShapeRoom {
  readonly fits: readonly Fit[];
  /** Those whose tasks take one slot there, the best first. */
  readonly #small: Heap<Fit>;
  readonly big: readonly Fit[];
  readonly byGroup = new Map<GroupRoom, Fit>();
  /** Tasks of it that all fitting workers could render at once. */
  readonly capacity: number;
  /** Nothing can be placed any more. */
  full = false;
  /** Nor can a worker be reserved. */
  unreservable: boolean;

  constructor(needs: Needs, groups: readonly GroupRoom[]) {
    this.fits = fitsOf(needs, groups);
    for (const fit of this.fits) this.byGroup.set(fit.group, fit);
    this.big = this.fits.filter((fit) => fit.size > 1);
    this.unreservable = this.big.length === 0;
    const small = this.fits.filter((fit) => fit.size === 1 && fit.group.window > 0);
    for (const fit of small) fit.rank = smallRank(fit);
    this.#small = new Heap(
      small,
      (a, b) => a.rank < b.rank || (a.rank === b.rank && a.group.index < b.group.index),
    );
    this.capacity = this.fits.reduce(
      (sum, { group, size }) => sum + group.workers.length * Math.floor(group.view.slots / size),
      0,
    );
    this.full = this.#small.size === 0 && this.big.length === 0;
  }

  /** Steps of it get nothing more in this round. */
  get closed(): boolean {
    return this.full && this.unreservable;
  }

  /** The best group for a task of one slot. */
  bestSmall(): Fit | undefined {
    for (let fit = this.#small.first(); fit; fit = this.#small.first()) {
      const rank = smallRank(fit);
      if (rank === fit.rank) return fit;
      fit.rank = rank;
      if (rank === Infinity) this.#small.removeFirst();
      else this.#small.firstChanged();
    }
    return undefined;
  }

  /** The best group that has a worker with room for a task of several slots now. */
  bestBig(): Fit | undefined {
    let best: Fit | undefined;
    for (const fit of this.big) {
      fit.rank = rankOf(fit, 0, fit.group.free);
      if ((!best || fit.rank < best.rank) && fit.group.withFree(fit.size)) best = fit;
    }
    return best;
  }
}

function fitsOf(needs: Needs, groups: readonly GroupRoom[]): Fit[] {
  const found: Fit[] = [];
  for (const group of groups) {
    if (!fits(needs, group.view)) continue;
    const size = slotsNeeded(needs, group.view);
    if (size === null) continue;
    found.push({ group, size, major: majorRank(needs, group), minor: 0, rank: 0 });
  }
  const least = Math.min(...found.map(({ group }) => group.view.memoryBytesPerSlot));
  for (const fit of found) fit.minor = minorRank(needs, fit.group, least);
  return found;
}

function majorRank(needs: Needs, { view }: GroupRoom): number {
  const away = needs.preferSite !== null && view.site !== needs.preferSite;
  return (away ? 2 : 0) + (view.gpus > 0 && needs.gpus === 0 ? 1 : 0);
}

function minorRank(needs: Needs, { view }: GroupRoom, leastMemory: number): number {
  const memory = leastMemory > 0 ? Math.floor(Math.log2(view.memoryBytesPerSlot / leastMemory)) : 0;
  const tags = [...view.tags].filter((tag) => !needs.tags.includes(tag)).length;
  return Math.min(99, memory + tags);
}

/** @param tier 0: there are free slots; 1: it would wait there. */
const rankOf = (fit: Fit, tier: 0 | 1, room: number): number =>
  ((tier * 10 + fit.major) * 100 + fit.minor) * MANY + MANY - Math.min(MANY, room);

function smallRank(fit: Fit): number {
  const { free, window } = fit.group;
  if (window <= 0) return Infinity;
  return free > 0 ? rankOf(fit, 0, free) : rankOf(fit, 1, window);
}

/** The shapes of a round, in all groups or in those of a pool. */
export class Shapes {
  readonly #groups: readonly GroupRoom[];
  readonly #shapes = new Map<string, ShapeRoom>();
  /** Shapes that may still get something in this round. */
  open = 0;

  constructor(groups: readonly GroupRoom[]) {
    this.#groups = groups;
  }

  of(needs: Needs): ShapeRoom {
    const key = shapeOf(needs);
    const known = this.#shapes.get(key);
    if (known) return known;
    const shape = new ShapeRoom(needs, this.#groups);
    this.#shapes.set(key, shape);
    if (!shape.closed) this.open++;
    return shape;
  }

  /** Nothing of the shape can be placed any more. */
  full(shape: ShapeRoom): void {
    if (shape.full) return;
    shape.full = true;
    if (shape.unreservable) this.open--;
  }

  /** No worker can be reserved for it any more. */
  unreservable(shape: ShapeRoom): void {
    if (shape.unreservable) return;
    shape.unreservable = true;
    if (shape.full) this.open--;
  }
}
