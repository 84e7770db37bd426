/** A job that has begun, as the ledger counts it. */
export interface CountedJob {
  id: string;
  done: number;
  startedAtMs: number;
}

interface Sample {
  atMs: number;
  frames: number;
}

const KEPT_MS = 600_000;
const RATE_OVER_MS = 60_000;

/**
 * Frames done a second, from the counts of jobs that have begun or have just ended, looked at every so often. Pure: it reads
 * no clock. A job that comes back with frames done long ago (somebody retried some of them) is no leap.
 */
export class FrameMeter {
  readonly #stepMs: number;
  #counts: Map<string, number> | undefined;
  #sampledAtMs = 0;
  readonly #samples: Sample[] = [];

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  /** @param atMs by the ledger's clock, as `startedAtMs` is. */
  sample(atMs: number, jobs: readonly CountedJob[]): void {
    const before = this.#counts;
    this.#counts = new Map(jobs.map((job) => [job.id, job.done]));
    const since = this.#sampledAtMs;
    this.#sampledAtMs = atMs;
    if (!before) return;
    const frames = jobs.reduce((sum, job) => {
      const counted = before.get(job.id) ?? (job.startedAtMs >= since ? 0 : job.done);
      return sum + Math.max(0, job.done - counted);
    }, 0);
    this.#samples.push({ atMs, frames });
    while ((this.#samples[0]?.atMs ?? atMs) < atMs - KEPT_MS) this.#samples.shift();
  }

  /** Frames a second in the last minute; null before anything was measured. */
  get perSecond(): number | null {
    const from = this.#sampledAtMs - RATE_OVER_MS;
    const some = this.#samples.filter(({ atMs }) => atMs > from);
    if (some.length === 0) return null;
    const seconds = (some.length * this.#stepMs) / 1_000;
    return some.reduce((sum, { frames }) => sum + frames, 0) / seconds;
  }

  /** Frames a second, a step each, oldest first. */
  get history(): number[] {
    return this.#samples.map(({ frames }) => frames / (this.#stepMs / 1_000));
  }
}
