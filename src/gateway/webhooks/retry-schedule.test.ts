import { expect, it } from 'vitest';
import { secondsUntilRetry } from './retry-schedule.ts';

const DAY = 86_400;

it('tries again ever later, for a day', () => {
  const waits: number[] = [];
  for (let failures = 1; ; failures++) {
    const wait = secondsUntilRetry(failures, 0);
    if (wait === undefined) break;
    waits.push(wait);
  }
  expect(waits.slice(0, 6)).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000]);
  expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(DAY);
});

it('waits up to a tenth longer by chance', () => {
  expect(secondsUntilRetry(1, 1)).toBeCloseTo(5.5);
  expect(secondsUntilRetry(2)).toBeGreaterThanOrEqual(300);
  expect(secondsUntilRetry(2)).toBeLessThanOrEqual(330);
});
