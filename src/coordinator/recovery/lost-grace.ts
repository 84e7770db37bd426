const SHARE_OF_RENDERED = 0.05;
const SHORTEST_MS = 6_000;
const LONGEST_MS = 120_000;

/**
 * How long a silent worker is waited for before its frame is given to another: 5 % of what was rendered already, so
 * that hours of work are not thrown away for a switch that reboots, but never less than 6 s nor more than 2 minutes.
 */
export function lostGraceMs(renderedSeconds: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, renderedSeconds * 1_000 * SHARE_OF_RENDERED));
}
