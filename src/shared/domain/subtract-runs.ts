import { compressFrames, type FrameRun } from './frame-ranges.ts';

/** The numbers of `runs` that are in none of `others`, in their order. */
export function subtractRuns(runs: readonly FrameRun[], others: readonly FrameRun[]): FrameRun[] {
  return others.reduce<FrameRun[]>(
    (left, other) => left.flatMap((run) => subtract(run, other)),
    runs.map((run) => ({ ...run })),
  );
}

/** Without taking the numbers one by one where both go through every number, which is the usual case. */
function subtract(run: FrameRun, other: FrameRun): FrameRun[] {
  const [low, high] = boundsOf(other);
  const [first, last] = boundsOf(run);
  if (high < first || low > last) return [run];
  if (Math.abs(other.step) !== 1 && other.count > 1)
    return compressFrames(numbersOf(run).filter((number) => !contains(other, number)));
  const before = countBelow(run, low);
  const after = run.count - countBelow(run, high + 1);
  const parts =
    run.step > 0
      ? [part(run, 0, before), part(run, run.count - after, after)]
      : [part(run, 0, after), part(run, run.count - before, before)];
  return parts.filter((each) => each.count > 0);
}

/** How many numbers of the run are below a bound. */
function countBelow(run: FrameRun, bound: number): number {
  const size = Math.abs(run.step);
  const [low] = boundsOf(run);
  return Math.min(run.count, Math.max(0, Math.ceil((bound - low) / size)));
}

function boundsOf(run: FrameRun): [low: number, high: number] {
  const last = run.start + (run.count - 1) * run.step;
  return [Math.min(run.start, last), Math.max(run.start, last)];
}

const part = (run: FrameRun, from: number, count: number): FrameRun => ({
  start: run.start + from * run.step,
  step: run.step,
  count,
});

function contains(run: FrameRun, number: number): boolean {
  const place = (number - run.start) / run.step;
  return Number.isInteger(place) && place >= 0 && place < run.count;
}

const numbersOf = (run: FrameRun): number[] =>
  Array.from({ length: run.count }, (_, index) => run.start + index * run.step);
