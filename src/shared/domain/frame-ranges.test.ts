import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  MAX_PICKED_RUNS,
  formatFrames,
  frameNumbers,
  parseFrameRange,
  parseFrameSelection,
  sliceRuns,
} from './frame-ranges.ts';

const numbers = (text: string): number[] => frameNumbers(parseFrameRange(text));

describe('parseFrameRange', () => {
  it.each([
    ['7', [7]],
    ['1-3', [1, 2, 3]],
    ['-3--1', [-3, -2, -1]],
    ['3-1', [3, 2, 1]],
    ['1-10x5', [1, 6]],
    ['10-1x5', [10, 5]],
    ['10-1x-2', [10, 8, 6, 4, 2]],
    ['1-10y3', [2, 3, 5, 6, 8, 9]],
    ['1-10:5', [1, 6, 3, 5, 7, 9, 2, 4, 8, 10]],
    [' 1 - 3 , 7 ', [1, 2, 3, 7]],
    ['1-3,2-5', [1, 2, 3, 4, 5]],
  ])('understands %s', (text, expected) => {
    expect(numbers(text)).toEqual(expected);
  });

  it.each([
    '',
    'a-b',
    '1-10-20',
    '1x10-20',
    '1-10x0',
    '1-10x-2',
    '1-10y-3',
    '10-1:-2',
    '1--',
    ',',
    '1,',
    '1.5',
    '1-2-',
    '1-1y1',
    '0x10',
  ])('refuses %j and says what is expected', (text) => {
    expect(() => parseFrameRange(text)).toThrow(/Frame range ".*": .*expected/);
  });

  it('refuses a range of an absurd size without expanding it', () => {
    expect(() => parseFrameRange('1-999999999999')).toThrow(/too large/);
    expect(() => parseFrameRange('1-900000000')).toThrow(/900,000,000 frames/);
    expect(() => parseFrameRange('1-900000000:7')).toThrow(/at most 10,000,000/);
  });

  it('keeps a range of ten million as one run', () => {
    expect(parseFrameRange('1-10000000').runs).toEqual([{ start: 1, step: 1, count: 10_000_000 }]);
  });

  it('renders each frame once, whatever is joined, and slices keep the order', () => {
    const part = fc
      .tuple(
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('', 'x', ':'),
      )
      .map(([a, length, by, kind]) => `${a}-${a + length}${kind}${kind ? by : ''}`);
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.nat(60),
        fc.nat(60),
        (parts, offset, limit) => {
          const range = parseFrameRange(parts.join(','));
          const all = frameNumbers(range);
          expect(new Set(all).size).toBe(all.length);
          expect(all.length).toBe(range.count);
          const slice = sliceRuns(range.runs, offset, limit).flatMap((run) =>
            Array.from({ length: run.count }, (_, i) => run.start + i * run.step),
          );
          expect(slice).toEqual(all.slice(offset, offset + limit));
        },
      ),
    );
  });
});

it('formats frames as short ranges', () => {
  expect(formatFrames([3, 1, 2, 9, 5, 6])).toBe('1-3,5-6,9');
});

describe('parseFrameSelection', () => {
  it.each([
    ['1-9999998,0', 2],
    ['1-10000000:7', 1],
    ['1-10000000y2', 1],
    ['1-10000000y100000', 100],
    ['7,7', 2],
  ])('keeps %s in as many runs as are written', (text, runs) => {
    expect(parseFrameSelection(text)).toHaveLength(runs);
  });

  it.each([['7'], ['10-1x3'], ['1-10y3'], ['10-1y3'], ['1-10y2'], ['9-1y2'], ['1-10:5'], ['5-1:2,-3,2-4']])(
    'chooses the frames of %s',
    (text) => {
      const chosen = parseFrameSelection(text).flatMap((run) =>
        Array.from({ length: run.count }, (_, i) => run.start + i * run.step),
      );
      expect(new Set(chosen)).toEqual(new Set(numbers(text)));
    },
  );

  it.each([
    ['of parts', Array.from({ length: 201 }, (_, i) => i * i).join(',')],
    ['of what is left out', '1-10000000y3'],
    ['of both', '1-1000y10,1-1000y11,1-1000y12'],
  ])('refuses too many pieces %s', (_what, text) => {
    expect(() => parseFrameSelection(text)).toThrow(/at most 200 pieces/);
  });

  it('takes as many picked frames as a text can name, and no more', () => {
    const picked = Array.from({ length: 2_000 }, (_, i) => i * 2).join(',');
    expect(parseFrameSelection(picked, MAX_PICKED_RUNS)).toHaveLength(2_000);
    expect(() => parseFrameSelection('1-10000000y3', MAX_PICKED_RUNS)).toThrow(/at most 5,000 pieces/);
  });
});
