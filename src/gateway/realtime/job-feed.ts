import type { JsMsg } from '@nats-io/jetstream';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { jobStatusSchema, type FrameChange, type JobSummary } from '../../shared/contracts/messages.ts';
import { lastToken } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { readJobSummaries } from '../../shared/database/job-summaries.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { FrameQueries } from '../ledger/frame-queries.ts';
import { readJobDetails } from '../ledger/job-details.ts';
import { DetailsNews } from './details-news.ts';
import { patches, type PatchBody } from './patch-body.ts';
import { ROOMS } from './rooms.ts';

/** A job is held against the ledger when it has been quiet for this long … */
const QUIET_MS = 1_500;
/** … or, when it never is, after this. */
const BUSY_MS = 10_000;
const CHECK_EVERY_MS = 500;
/** More touched frames than that are not asked for one by one. */
const MAX_TOUCHED = 5_000;

interface Touched {
  firstAtMs: number;
  lastAtMs: number;
  frames: Map<string, Set<number>>;
  count: number;
}

export interface Audience {
  isWatched: (room: string) => boolean;
  publish: (room: string, body: PatchBody) => void;
}

/**
 * Turns `status.job.*` into patches. Several coordinators may publish in another order than the ledger was written in, so
 * what was told is held against the ledger once a job is quiet, and the ledger's word is the last.
 */
export class JobFeed {
  readonly #ledger: Ledger;
  readonly #frames: FrameQueries;
  readonly #audience: Audience;
  readonly #log: Logger;
  readonly #touched = new Map<string, Touched>();
  readonly #news = new DetailsNews();
  #timer: NodeJS.Timeout | undefined;
  #settling = false;

  constructor(ledger: Ledger, frames: FrameQueries, audience: Audience, log: Logger) {
    this.#ledger = ledger;
    this.#frames = frames;
    this.#audience = audience;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#settle(), CHECK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  take(message: JsMsg): void {
    if (
      !this.#audience.isWatched(ROOMS.jobs) &&
      !this.#audience.isWatched(ROOMS.job(lastToken(message.subject)))
    )
      return;
    try {
      const status = decodeMessage(jobStatusSchema, message.data, 'A job status');
      if (status.type === 'job') this.#jobChanged(status.job, status.frames);
      else if (status.type === 'control' && status.changed === true)
        this.#touch(lastToken(message.subject), []);
    } catch (error) {
      this.#log.warn({ subject: message.subject, error: messageOf(error) }, 'an unreadable job status');
    }
  }

  #jobChanged(job: JobSummary, frames: FrameChange[] | null): void {
    const room = ROOMS.job(job.id);
    this.#audience.publish(ROOMS.jobs, patches.jobs([job]));
    this.#audience.publish(room, patches.job(job));
    if (frames === null) this.#audience.publish(room, patches.resync());
    else if (frames.length > 0) this.#audience.publish(room, patches.frames(frames));
    this.#touch(job.id, this.#audience.isWatched(room) ? (frames ?? []) : []);
  }

  #touch(jobId: string, frames: readonly FrameChange[]): void {
    const now = Date.now();
    const touched: Touched = this.#touched.get(jobId) ?? {
      firstAtMs: now,
      lastAtMs: now,
      frames: new Map(),
      count: 0,
    };
    this.#touched.set(jobId, touched);
    touched.lastAtMs = now;
    for (const { step, number } of frames) {
      const numbers = touched.frames.get(step) ?? new Set<number>();
      touched.frames.set(step, numbers);
      if (!numbers.has(number)) touched.count++;
      numbers.add(number);
    }
  }

  async #settle(): Promise<void> {
    if (this.#settling) return;
    const now = Date.now();
    const due = [...this.#touched].filter(
      ([, job]) => now - job.lastAtMs >= QUIET_MS || now - job.firstAtMs >= BUSY_MS,
    );
    if (due.length === 0) return;
    this.#settling = true;
    for (const [jobId] of due) this.#touched.delete(jobId);
    try {
      await this.#tellLedgersWord(due);
    } catch (error) {
      this.#log.warn(
        { error: messageOf(error) },
        'what was shown could not be held against the ledger; trying again',
      );
      for (const [jobId, job] of due) if (!this.#touched.has(jobId)) this.#touched.set(jobId, job);
    } finally {
      this.#settling = false;
    }
  }

  async #tellLedgersWord(due: readonly [string, Touched][]): Promise<void> {
    const jobs = await readJobSummaries(
      this.#ledger,
      due.map(([jobId]) => jobId),
    );
    this.#audience.publish(ROOMS.jobs, patches.jobs(jobs));
    for (const job of jobs) this.#audience.publish(ROOMS.job(job.id), patches.job(job));
    const isWatched = (jobId: string): boolean => this.#audience.isWatched(ROOMS.job(jobId));
    const details = await readJobDetails(this.#ledger, due.map(([jobId]) => jobId).filter(isWatched));
    for (const job of this.#news.among(details, isWatched))
      this.#audience.publish(ROOMS.job(job.id), patches.details(job));
    for (const [jobId, touched] of due) {
      const room = ROOMS.job(jobId);
      if (!this.#audience.isWatched(room) || touched.count === 0) continue;
      if (touched.count > MAX_TOUCHED) this.#audience.publish(room, patches.resync());
      else this.#audience.publish(room, patches.frames(await this.#frames.changes(jobId, touched.frames)));
    }
  }
}
