import { sliceRuns, type FrameRun } from '../../../../src/shared/domain/frame-ranges.ts';

/** Frames of one step that somebody marked, as places in the step's order: ranges, ascending, apart from each other. */
export interface FrameSelection {
  step: string;
  ranges: readonly (readonly [first: number, last: number])[];
}

/** Everything from one place to another, whichever comes first. */
export function rangeBetween(anchor: number, other: number): readonly [number, number] {
  return anchor <= other ? [anchor, other] : [other, anchor];
}

export function selectedCount({ ranges }: FrameSelection): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

export function isSelected({ ranges }: FrameSelection, position: number): boolean {
  return ranges.some(([first, last]) => position >= first && position <= last);
}

/** With this range too; ranges that meet become one. */
export function addRange(
  ranges: FrameSelection['ranges'],
  added: readonly [number, number],
): FrameSelection['ranges'] {
  let [first, last] = added;
  const apart: (readonly [number, number])[] = [];
  for (const range of ranges) {
    if (range[1] < first - 1 || range[0] > last + 1) apart.push(range);
    else [first, last] = [Math.min(first, range[0]), Math.max(last, range[1])];
  }
  return [...apart, [first, last] as const].sort((a, b) => a[0] - b[0]);
}

/** Without this range. */
export function removeRange(
  ranges: FrameSelection['ranges'],
  [from, to]: readonly [number, number],
): FrameSelection['ranges'] {
  return ranges.flatMap(([first, last]) => {
    const kept: (readonly [number, number])[] = [];
    if (first < from) kept.push([first, Math.min(last, from - 1)]);
    if (last > to) kept.push([Math.max(first, to + 1), last]);
    return kept;
  });
}

/** A range as Ctrl does it: away where its first place was marked, marked otherwise. @param first where it was begun */
export function toggleRange(
  ranges: FrameSelection['ranges'],
  range: readonly [number, number],
  first: number,
): FrameSelection['ranges'] {
  return isSelected({ step: '', ranges }, first) ? removeRange(ranges, range) : addRange(ranges, range);
}

/** The frame numbers as a range that every field and command of the farm takes: `1-24,30,40-60x5`. */
export function selectionText({ ranges }: FrameSelection, runs: readonly FrameRun[]): string {
  let whole: FrameSelection['ranges'] = [];
  const stepped: string[] = [];
  for (const [first, last] of ranges)
    for (const { start, step, count } of sliceRuns(runs, first, last - first + 1)) {
      const end = start + step * (count - 1);
      if (Math.abs(step) === 1 || count === 1) whole = addRange(whole, rangeBetween(start, end));
      else if (count === 2) whole = addRange(addRange(whole, [start, start]), [end, end]);
      else stepped.push(`${Math.min(start, end)}-${Math.max(start, end)}x${Math.abs(step)}`);
    }
  return [...whole.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)), ...stepped].join(',');
}

/** The places of the frames of a text that {@link selectionText} wrote; frames that the step has not are left out. */
export function selectionOf(
  numbers: readonly FrameRun[],
  runs: readonly FrameRun[],
): FrameSelection['ranges'] {
  let ranges: FrameSelection['ranges'] = [];
  let before = 0;
  for (const run of runs) {
    for (const wanted of numbers)
      for (const [first, last] of placesIn(run, wanted))
        ranges = addRange(ranges, [before + first, before + last]);
    before += run.count;
  }
  return ranges;
}

/** Where a run's frames lie in another, as ranges of places. */
function placesIn(run: FrameRun, wanted: FrameRun): (readonly [number, number])[] {
  const by = run.step === 0 ? 1 : run.step;
  if (Math.abs(wanted.step) === Math.abs(by) || wanted.count === 1) {
    const ends = [wanted.start, wanted.start + wanted.step * (wanted.count - 1)].map(
      (n) => (n - run.start) / by,
    );
    const [first = 0, last = 0] = ends.sort((a, b) => a - b);
    if (!Number.isInteger(first) || last < 0 || first >= run.count) return [];
    return [[Math.max(0, first), Math.min(run.count - 1, last)]];
  }
  const places: (readonly [number, number])[] = [];
  for (let i = 0; i < Math.min(wanted.count, MOST_SINGLE); i++) {
    const place = (wanted.start + i * wanted.step - run.start) / by;
    if (Number.isInteger(place) && place >= 0 && place < run.count) places.push([place, place]);
  }
  return places;
}

const MOST_SINGLE = 1_000;
