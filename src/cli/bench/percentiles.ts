/**
 * The nearest-rank percentile: the smallest value that at least `percent` of the values do not exceed.
 * @param values at least one, in any order.
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError('A percentile needs at least one value');
  return value;
}

/** Milliseconds as people compare them: to the hundredth. */
export function roundMs(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** The value in the middle; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('A median needs at least one value');
  return (lower + upper) / 2;
}

/** A rate or a ratio as people compare them. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
