import type { JobDetails } from '../../shared/contracts/job-details.ts';
import { packFrames } from '../../shared/contracts/frame-runs.ts';
import type { FrameChange, JobSummary, Progress } from '../../shared/contracts/messages.ts';
import type { RoomPatch } from '../../shared/contracts/realtime.ts';
import type { FarmSums } from '../../shared/contracts/overview-api.ts';
import type { Worker } from '../../shared/contracts/api.ts';
import { LatestWins } from './latest-wins.ts';
import { LogWindow } from './log-window.ts';
import type { PatchBody } from './patch-body.ts';

/** Who fell so far behind that more things changed gets on faster with a snapshot. */
const MAX_ENTRIES = 5_000;

type Content = Omit<RoomPatch, 'room' | 'epoch' | 'from' | 'seq'>;

/**
 * What changed in a room, so that whoever was there at any earlier moment can be told the rest. Latest wins: it holds each
 * thing once, however often it changed.
 */
export class RoomState {
  /** Number of the last patch. */
  seq: number;
  /** Whoever stands before this patch has missed something that is not kept: it takes a snapshot. */
  #floor: number;
  #dirty = false;
  readonly #farm = new LatestWins<FarmSums>();
  readonly #jobs = new LatestWins<JobSummary>();
  readonly #job = new LatestWins<JobSummary>();
  readonly #details = new LatestWins<JobDetails>();
  readonly #frames = new LatestWins<FrameChange>();
  readonly #progress = new LatestWins<Progress>();
  readonly #workers = new LatestWins<Worker>();
  readonly #log = new LogWindow();
  readonly #made = new Map<string, Content>();

  /** @param seq of the last patch of any room: what was before is not known here. */
  constructor(seq: number) {
    this.seq = this.#floor = seq;
  }

  /** Something came in that no patch holds yet. */
  get isDirty(): boolean {
    return this.#dirty;
  }

  /** @param next number of the patch that will be cut next. */
  absorb(body: PatchBody, next: number): void {
    this.#dirty = true;
    if (body.resync) this.#forget(next);
    if (body.farm) this.#farm.set('', body.farm, next);
    if (body.job) this.#job.set('', body.job, next);
    if (body.details) this.#details.set('', body.details, next);
    for (const [id, job] of body.jobs ?? []) this.#jobs.set(id, job, next);
    for (const [id, worker] of body.workers ?? []) this.#workers.set(id, worker, next);
    for (const [key, progress] of body.progress ?? []) this.#progress.set(key, progress, next);
    for (const [key, frame] of body.frames ?? []) {
      this.#frames.set(key, frame, next);
      if (frame.state !== 'running') this.#progress.delete(key);
    }
    if (body.log && !this.#log.append(body.log)) this.#floor = next;
  }

  /** Everything so far is part of patch `next`. @returns whether there was anything */
  cut(next: number): boolean {
    if (!this.#dirty) return false;
    this.#dirty = false;
    this.seq = next;
    this.#made.clear();
    for (const entries of [this.#jobs, this.#frames, this.#progress, this.#workers])
      this.#floor = Math.max(this.#floor, entries.trim(MAX_ENTRIES));
    return true;
  }

  /** Whether {@link since} can tell everything that came after `seq`. */
  reaches(seq: number): boolean {
    return seq >= this.#floor;
  }

  /**
   * What came after patch `seq`; equal for all who ask from the same place.
   * @param logEnd byte offset at which the asker's log ends.
   */
  since(seq: number, logEnd: number): Content {
    if (!this.reaches(seq)) return { resync: true };
    const place = `${seq} ${logEnd}`;
    const content = this.#made.get(place) ?? this.#make(seq, logEnd);
    this.#made.set(place, content);
    return content;
  }

  #make(seq: number, logEnd: number): Content {
    const log = this.#log.since(logEnd);
    if (!log) return { resync: true };
    const [farm] = this.#farm.since(seq);
    const [job] = this.#job.since(seq);
    const [details] = this.#details.since(seq);
    const [jobs, frames, progress, workers] = [
      this.#jobs.since(seq),
      this.#frames.since(seq),
      this.#progress.since(seq),
      this.#workers.since(seq),
    ];
    return {
      ...(farm && { farm }),
      ...(job && { job }),
      ...(details && { details }),
      ...(jobs.length > 0 && { jobs }),
      ...(frames.length > 0 && { frames: packFrames(frames) }),
      ...(progress.length > 0 && { progress }),
      ...(workers.length > 0 && { workers }),
      ...(log.bytes > 0 && { log: { offset: log.offset, text: log.text } }),
    };
  }

  #forget(next: number): void {
    this.#floor = next;
    for (const entries of [
      this.#farm,
      this.#jobs,
      this.#job,
      this.#details,
      this.#frames,
      this.#progress,
      this.#workers,
    ])
      entries.clear();
    this.#log.clear();
  }
}
