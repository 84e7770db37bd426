import type { BenchEnvironment } from './environment.ts';

/**
 * What every measurement prints with `--json`: what was measured, on what, and the figures. Figures carry their unit at
 * the end of their name.
 */
export interface BenchReport<Name extends string, Figures extends object> {
  bench: Name;
  /** The machine and its load, with what this bench set itself: jobs, slots, runs. */
  environment: BenchEnvironment & Record<string, unknown>;
  figures: Figures;
}

/** What a bench is given. */
export interface BenchContext {
  /** A line for the person who waits. */
  say: (line: string) => void;
  /** Ends the bench early; its farms are stopped and removed. */
  signal: AbortSignal;
}

export function benchReport<Name extends string, Figures extends object>(
  bench: Name,
  environment: BenchEnvironment,
  settings: Record<string, unknown>,
  figures: Figures,
): BenchReport<Name, Figures> {
  return { bench, environment: { ...environment, ...settings }, figures };
}

/** The report for people: a line for each figure, then what it was measured on. */
export function describeReport({ bench, environment, figures }: BenchReport<string, object>): string {
  const lines = Object.entries(figures).map(([name, value]) => `${name}: ${String(value)}`);
  const where = Object.entries(environment).map(([name, value]) => `${name} ${String(value)}`);
  return [`${bench} (${where.join(', ')})`, ...lines.map((line) => `  ${line}`)].join('\n');
}
