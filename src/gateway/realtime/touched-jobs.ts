import type { FrameChange } from '../../shared/contracts/messages.ts';

/** What was told of a job and its frames lies for this long, and at most twice as long, before it is due. */
export const SETTLE_MS = 1_000;

/** By step and number, as it was told last. */
export type ToldFrames = ReadonlyMap<string, FrameChange>;

interface Touched {
  /** What was told in the present period, and in the one before it. */
  recent: Map<string, FrameChange>;
  earlier: Map<string, FrameChange>;
  /** Something was told in the present period. */
  touched: boolean;
  periodSinceMs: number;
}

/**
 * Remembers what was told of which jobs, until it has been quiet for a while. Of a job that never is quiet, those frames
 * are due that are; so nothing gathers, however busy a job is.
 */
export class TouchedJobs {
  readonly #jobs = new Map<string, Touched>();

  touch(jobId: string, frames: readonly FrameChange[], nowMs: number): void {
    const job: Touched = this.#jobs.get(jobId) ?? {
      recent: new Map(),
      earlier: new Map(),
      touched: false,
      periodSinceMs: nowMs,
    };
    this.#jobs.set(jobId, job);
    job.touched = true;
    for (const frame of frames) {
      const key = `${frame.step}/${frame.number}`;
      job.earlier.delete(key);
      job.recent.set(key, frame);
    }
  }

  /** @returns jobs to look at now, each with the frames that were not touched lately; every call tells others. */
  takeDue(nowMs: number): Map<string, ToldFrames> {
    const due = new Map<string, ToldFrames>();
    for (const [jobId, job] of this.#jobs) {
      if (nowMs - job.periodSinceMs < SETTLE_MS) continue;
      due.set(jobId, job.earlier);
      if (!job.touched) this.#jobs.delete(jobId);
      Object.assign(job, { earlier: job.recent, recent: new Map(), touched: false, periodSinceMs: nowMs });
    }
    return due;
  }
}
