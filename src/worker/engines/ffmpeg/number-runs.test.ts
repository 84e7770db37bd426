import fc from 'fast-check';
import { expect, it } from 'vitest';
import { numberRuns } from './number-runs.ts';

it('finds even runs', () => {
  expect(numberRuns([1, 2, 3, 10, 15, 20])).toEqual([
    { from: 0, to: 2, first: 1, by: 1 },
    { from: 3, to: 5, first: 10, by: 5 },
  ]);
  expect(numberRuns([7])).toEqual([{ from: 0, to: 0, first: 7, by: 1 }]);
});

it('gives every picture its number again', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: -500, max: 500 })), (numbers) => {
      numbers.sort((a, b) => a - b);
      const again = numberRuns(numbers).flatMap(({ from, to, first, by }) =>
        Array.from({ length: to - from + 1 }, (_, i) => first + by * i),
      );
      expect(again).toEqual(numbers);
    }),
  );
});
