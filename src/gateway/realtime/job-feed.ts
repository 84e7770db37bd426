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
import { TouchedJobs, type ToldFrames } from './touched-jobs.ts';

const CHECK_EVERY_MS = 500;
/** More frames at once are not asked for one by one. */
const MAX_FRAMES = 20_000;

export interface Audience {
  isWatched: (room: string) => boolean;
  publish: (room: string, body: PatchBody) => void;
}

/**
 * Turns `status.job.*` into patches. Several coordinators may publish in another order than the ledger was written in, so
 * what was told is held against the ledger once it is quiet, and the ledger's word is the last.
 */
export class JobFeed {
  readonly #ledger: Ledger;
  readonly #frames: FrameQueries;
  readonly #audience: Audience;
  readonly #log: Logger;
  readonly #touched = new TouchedJobs();
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
        this.#touched.touch(lastToken(message.subject), [], performance.now());
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
    this.#touched.touch(job.id, this.#audience.isWatched(room) ? (frames ?? []) : [], performance.now());
  }

  async #settle(): Promise<void> {
    if (this.#settling) return;
    this.#settling = true;
    const due = this.#touched.takeDue(performance.now());
    try {
      if (due.size > 0) await this.#tellLedgersWord(due);
    } catch (error) {
      this.#log.warn(
        { error: messageOf(error) },
        'what was shown could not be held against the ledger; trying again',
      );
      for (const [jobId, frames] of due) this.#touched.touch(jobId, [...frames.values()], performance.now());
    } finally {
      this.#settling = false;
    }
  }

  async #tellLedgersWord(due: ReadonlyMap<string, ToldFrames>): Promise<void> {
    const jobs = await readJobSummaries(this.#ledger, [...due.keys()]);
    this.#audience.publish(ROOMS.jobs, patches.jobs(jobs));
    for (const job of jobs) this.#audience.publish(ROOMS.job(job.id), patches.job(job));
    const isWatched = (jobId: string): boolean => this.#audience.isWatched(ROOMS.job(jobId));
    const details = await readJobDetails(this.#ledger, [...due.keys()].filter(isWatched));
    for (const job of this.#news.among(details, isWatched))
      this.#audience.publish(ROOMS.job(job.id), patches.details(job));
    for (const [jobId, told] of due) if (told.size > 0 && isWatched(jobId)) await this.#correct(jobId, told);
  }

  /** Says again what the ledger has otherwise than it was told. */
  async #correct(jobId: string, told: ToldFrames): Promise<void> {
    const room = ROOMS.job(jobId);
    if (told.size > MAX_FRAMES) {
      this.#audience.publish(room, patches.resync());
      return;
    }
    const frames = await this.#frames.changes(jobId, numbersByStep(told.values()));
    const wrong = frames.filter((frame) => !isAlike(frame, told.get(`${frame.step}/${frame.number}`)));
    if (wrong.length > 0) this.#audience.publish(room, patches.frames(wrong));
  }
}

function numbersByStep(frames: Iterable<FrameChange>): Map<string, Set<number>> {
  const numbers = new Map<string, Set<number>>();
  for (const { step, number } of frames) {
    const known = numbers.get(step) ?? new Set();
    numbers.set(step, known.add(number));
  }
  return numbers;
}

function isAlike(a: FrameChange, b: FrameChange | undefined): boolean {
  return (
    a.state === b?.state &&
    a.generation === b.generation &&
    a.worker === b.worker &&
    a.seconds === b.seconds &&
    a.error === b.error
  );
}
