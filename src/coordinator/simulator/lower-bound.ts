import { fits, slotsNeeded } from '../planning/fitting.ts';
import type { GroupView } from '../planning/snapshot.ts';
import { share } from './share.ts';
import type { SimStep } from './sim-step.ts';
import type { Trace } from './trace.ts';

/** Slots of each group from a moment on. */
interface Capacity {
  atMs: number;
  slots: ReadonlyMap<string, number>;
}

interface Piece {
  arrivesMs: number;
  slotSeconds: number;
  longestMs: number;
  /** Ids of the groups where it fits. */
  where: readonly string[];
}

/**
 * No schedule ends before this, in milliseconds: all work that came after some moment, spread without a gap over all slots
 * on which it fits; and each frame, or a sequential step as a whole, from when it came.
 */
export function lowerBoundMs(
  steps: readonly SimStep[],
  groups: readonly GroupView[],
  capacities: readonly Capacity[],
): number {
  const pieces = steps.map((step) => pieceOf(step, groups));
  let bound = Math.max(0, ...pieces.map((piece) => piece.arrivesMs + piece.longestMs));
  for (const where of distinct(pieces.map((piece) => piece.where))) {
    const inside = pieces.filter((piece) => piece.where.every((group) => where.includes(group)));
    bound = Math.max(bound, spreadMs(inside, where, capacities));
  }
  return bound;
}

function pieceOf(step: SimStep, groups: readonly GroupView[]): Piece {
  const sizes = groups.flatMap((group) => {
    const size = fits(step.needs, group) ? slotsNeeded(step.needs, group) : null;
    return size === null ? [] : [{ id: group.id, size }];
  });
  let [seconds, longest] = [0, 0];
  for (let frame = 0; frame < step.spec.frames; frame++) {
    const one = step.secondsOf(frame);
    seconds += one;
    longest = Math.max(longest, one);
  }
  return {
    arrivesMs: step.submittedAtMs,
    slotSeconds: seconds * Math.min(...sizes.map(({ size }) => size)),
    longestMs: 1_000 * (step.chunk === 'sequential' ? seconds : longest),
    where: sizes.map(({ id }) => id),
  };
}

function distinct(lists: readonly (readonly string[])[]): (readonly string[])[] {
  return [...new Map(lists.map((list) => [list.join(' '), list])).values()];
}

/** The latest, over all moments, of when the work that came from then on could be done at the earliest. */
function spreadMs(
  pieces: readonly Piece[],
  where: readonly string[],
  capacities: readonly Capacity[],
): number {
  const sorted = [...pieces].sort((a, b) => b.arrivesMs - a.arrivesMs);
  let [bound, work] = [0, 0];
  sorted.forEach((piece, index) => {
    work += piece.slotSeconds;
    if (sorted[index + 1]?.arrivesMs !== piece.arrivesMs)
      bound = Math.max(bound, endOf(work, piece.arrivesMs, where, capacities));
  });
  return bound;
}

function endOf(
  slotSeconds: number,
  fromMs: number,
  where: readonly string[],
  capacities: readonly Capacity[],
): number {
  let left = slotSeconds * 1_000;
  for (const [index, { atMs, slots }] of capacities.entries()) {
    const until = capacities[index + 1]?.atMs ?? Infinity;
    if (until <= fromMs) continue;
    const begin = Math.max(fromMs, atMs);
    const each = where.reduce((sum, group) => sum + (slots.get(group) ?? 0), 0);
    const all = each * (until - begin);
    if (each > 0 && left <= all) return begin + left / each;
    left -= each === 0 ? 0 : all;
  }
  return fromMs;
}

/** Slots over time, as workers join and leave. */
export function capacitiesOf(trace: Trace, workers: number): Capacity[] {
  const counts = share(workers, trace.groups);
  const slotsNow = (): ReadonlyMap<string, number> =>
    new Map(trace.groups.map(({ name, slots }, index) => [name, slots * (counts[index] ?? 0)]));
  const changes = [
    ...trace.joins.map(({ at, group, workers: some }) => ({ at, group, some })),
    ...trace.leaves.map(({ at, group, workers: some }) => ({ at, group, some: -some })),
  ].sort((a, b) => a.at - b.at);
  const capacities: Capacity[] = [{ atMs: 0, slots: slotsNow() }];
  for (const { at, group, some } of changes) {
    const index = trace.groups.findIndex(({ name }) => name === group);
    counts[index] = Math.max(0, (counts[index] ?? 0) + some);
    capacities.push({ atMs: at * 1_000, slots: slotsNow() });
  }
  return capacities;
}
