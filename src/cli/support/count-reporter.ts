import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts tests for the last line of `farmhand test`, into the file that `FARMHAND_TEST_COUNTS` names. A file that cannot
 * be loaded, and an error that belongs to no test, count as a failed test each.
 */
// Vitest loads a reporter from a file by its default export.
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env['FARMHAND_TEST_COUNTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(countTests(modules, errors.length)));
  }
}

/** What is looked at of Vitest's own module. */
interface CountedModule {
  errors: () => readonly unknown[];
  children: {
    allTests: () => Iterable<{ result: () => { state: string } }>;
    allSuites: () => Iterable<{ errors: () => readonly unknown[] }>;
  };
}

export function countTests(modules: readonly CountedModule[], looseErrors: number): TestCounts {
  const counts: TestCounts = { passed: 0, failed: looseErrors, skipped: 0 };
  for (const module of modules) {
    if (module.errors().length > 0) counts.failed++;
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) counts.failed++;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed++;
      else if (state === 'failed') counts.failed++;
      // One that never ran because a hook or its file failed is not passed either.
      else counts.skipped++;
    }
  }
  return counts;
}
