import type { Worker } from '../../../src/shared/contracts/api.ts';
import type { FarmSums } from '../../../src/shared/contracts/overview-api.ts';

/** `0`, `0.42`, `7.3`, `1,240`: as many digits as mean something. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.01) return '< 0.01';
  if (perSecond < 1) return perSecond.toFixed(2);
  if (perSecond < 100) return perSecond.toFixed(1);
  return Math.round(perSecond).toLocaleString('en-US');
}

/** Whole percent of the slots that are used; null where no worker is here. */
export function utilisation({ total, used }: FarmSums['slots']): number | null {
  return total === 0 ? null : Math.min(100, Math.round((100 * used) / total));
}

/** The page of jobs, filtered. */
export const jobsWhere = (query: string): { path: string; query: { query: string } } => ({
  path: '/jobs',
  query: { query },
});

/** A word of the query: in quotes where it would not be one otherwise. */
export const queryWord = (field: string, value: string): string =>
  /^[\p{L}\p{N}_.-]+$/u.test(value) ? `${field}:${value}` : `${field}:"${value.replace(/["\\]/g, '\\$&')}"`;

/** In the order in which somebody wants to hear of them. */
export const WORKER_ORDER = [
  'busy',
  'idle',
  'paused',
  'draining',
  'stopping',
  'lost',
  'offline',
] as const satisfies readonly Worker['state'][];

export interface SparkPoint {
  x: number;
  y: number;
}

/**
 * A line through values, from the left edge to the right one, for a box of the given size: the newest value is at the right
 * edge, and the highest at the top.
 * @param places how many values the whole width holds.
 */
export function sparkline(
  values: readonly number[],
  places: number,
  { width, height }: { width: number; height: number },
): SparkPoint[] {
  const shown = values.slice(-places);
  const highest = Math.max(...shown, 0);
  const step = width / Math.max(1, places - 1);
  return shown.map((value, index) => ({
    x: width - (shown.length - 1 - index) * step,
    y: highest === 0 ? height : height - (value / highest) * height,
  }));
}
