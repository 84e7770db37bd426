import type { CheckDefaults } from '../policy.ts';

/** Numbers that a sequence lacks. It has no threshold. */
export const missingCheck: CheckDefaults = { name: 'missing', verdict: 'fail', threshold: null };

/** More gaps than this are not told one by one. */
const MOST = 100_000;

/**
 * Numbers that are missing between the first and the last. Where the sequence goes in steps (`1, 3, 5`), the usual step is
 * taken for its own.
 * @param numbers ascending, each once
 */
export function findMissing(numbers: readonly number[]): number[] {
  const step = usualStep(numbers);
  const missing: number[] = [];
  for (const [index, number] of numbers.entries()) {
    const next = numbers[index + 1];
    if (next === undefined || missing.length >= MOST) break;
    for (let one = number + step; one < next && missing.length < MOST; one += step) missing.push(one);
  }
  return missing;
}

/** The most common difference of two numbers; the smaller one where several are. */
function usualStep(numbers: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const [index, number] of numbers.entries()) {
    const next = numbers[index + 1];
    if (next !== undefined) counts.set(next - number, (counts.get(next - number) ?? 0) + 1);
  }
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
  return byCount[0]?.[0] ?? 1;
}
