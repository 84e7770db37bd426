/**
 * Seconds between one failed try and the next, those that Standard Webhooks proposes; the last is what is left of a day.
 */
const WAITS_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 23_095];

/** So much longer at most, by chance, so that what failed together does not come back together. */
const JITTER = 0.1;

/**
 * @param failures tries that failed so far, 1 or more
 * @param random between 0 and 1
 * @returns seconds until the next try, or undefined after the last one, a day after the first.
 */
export function secondsUntilRetry(failures: number, random = Math.random()): number | undefined {
  const wait = WAITS_SECONDS[failures - 1];
  return wait === undefined ? undefined : wait * (1 + random * JITTER);
}
