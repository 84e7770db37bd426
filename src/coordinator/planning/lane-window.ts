/** Seconds of work that wait in a lane beyond its free slots, so that a slot never waits for the next decision. */
const LOOK_AHEAD_SECONDS = 0.5;
const MIN_LOOK_AHEAD = 2;
const MAX_LOOK_AHEAD = 2_000;
/** How fast the measured rate follows a change. */
const HALF_LIFE_SECONDS = 1;

/** Measures how many tasks a second a lane completes. */
export class CompletionRate {
  #perSecond = 0;
  #pending = 0;
  #at: number;
  #seen = false;

  constructor(nowMs: number) {
    this.#at = nowMs;
  }

  add(tasks: number): void {
    this.#pending += tasks;
    this.#seen ||= tasks > 0;
  }

  /** Tasks a second lately; undefined before the first completion. */
  read(nowMs: number): number | undefined {
    const seconds = (nowMs - this.#at) / 1_000;
    if (seconds >= 0.05) {
      const keep = 0.5 ** (seconds / HALF_LIFE_SECONDS);
      // Rising counts at once: a lane that ran dry because the rate was believed too late would measure its own hunger.
      const measured = this.#pending / seconds;
      this.#perSecond = Math.max(measured, this.#perSecond * keep + measured * (1 - keep));
      this.#pending = 0;
      this.#at = nowMs;
    }
    return this.#seen ? this.#perSecond : undefined;
  }
}

/**
 * Tasks that a lane may get now: enough to fill its free slots, and a look-ahead that grows with its rate.
 * @param rate tasks a second; undefined: nothing is known yet.
 */
export function laneWindow(lane: {
  slots: number;
  queued: number;
  running: number;
  rate: number | undefined;
}): number {
  if (lane.slots <= 0) return 0;
  const byRate = lane.rate === undefined ? lane.slots : Math.ceil(lane.rate * LOOK_AHEAD_SECONDS);
  const lookAhead = Math.min(MAX_LOOK_AHEAD, Math.max(MIN_LOOK_AHEAD, byRate));
  const free = Math.max(0, lane.slots - lane.running);
  return Math.max(0, free + lookAhead - lane.queued);
}
