import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameNumbers, parseFrameRange, type FrameRun } from './frame-ranges.ts';
import { subtractRuns } from './subtract-runs.ts';

const numbersOf = (runs: readonly FrameRun[]): number[] =>
  frameNumbers({ text: '', runs, count: runs.reduce((sum, run) => sum + run.count, 0) });

const range = fc
  .array(
    fc
      .tuple(
        fc.integer({ min: -40, max: 40 }),
        fc.integer({ min: -40, max: 40 }),
        fc.constantFrom('', 'x2', 'x3', 'x7'),
      )
      .map(([first, last, step]) => `${first}-${last}${step}`),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parseFrameRange(parts.join(',')).runs);

describe('subtractRuns', () => {
  it('leaves exactly the numbers that are in no other run, in their order', () => {
    fc.assert(
      fc.property(range, range, (runs, others) => {
        const gone = new Set(numbersOf(others));
        expect(numbersOf(subtractRuns(runs, others))).toEqual(numbersOf(runs).filter((n) => !gone.has(n)));
      }),
    );
  });

  it('does not count through ten million frames', () => {
    const all = parseFrameRange('1-10000000').runs;
    expect(subtractRuns(all, parseFrameRange('5-9999998').runs)).toEqual([
      { start: 1, step: 1, count: 4 },
      { start: 9_999_999, step: 1, count: 2 },
    ]);
  });
});
