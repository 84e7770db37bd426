import { expect, test } from 'vitest';
import { countTests } from './count-reporter.ts';

const module = (states: string[], errors = 0, suiteErrors: number[] = []) => ({
  errors: () => Array.from({ length: errors }, () => ({ message: 'x' })),
  children: {
    allTests: () => states.map((state) => ({ result: () => ({ state }) })),
    allSuites: () => suiteErrors.map((count) => ({ errors: () => Array.from({ length: count }) })),
  },
});

test('passed, failed and skipped tests are counted', () => {
  const counts = countTests([module(['passed', 'failed', 'skipped']), module(['passed', 'pending'])], 0);
  expect(counts).toEqual({ passed: 2, failed: 1, skipped: 2 });
});

test('a file that cannot be loaded, a suite whose hook failed and a loose error are failures', () => {
  expect(countTests([module([], 1)], 0).failed).toBe(1);
  expect(countTests([module(['skipped'], 0, [1])], 0)).toEqual({ passed: 0, failed: 1, skipped: 1 });
  expect(countTests([module(['passed'])], 2).failed).toBe(2);
});
