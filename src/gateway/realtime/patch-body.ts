import type { JobDetails } from '../../shared/contracts/job-details.ts';
import type { FrameChange, JobSummary, Progress } from '../../shared/contracts/messages.ts';
import type { FarmSums } from '../../shared/contracts/overview-api.ts';
import type { Worker } from '../../shared/contracts/api.ts';

/** News for a room: the newest word on each thing. */
export interface PatchBody {
  /** Too much to list, or a break: whoever sees it joins again. */
  resync?: true;
  farm?: FarmSums;
  jobs?: ReadonlyMap<string, JobSummary>;
  job?: JobSummary;
  details?: JobDetails;
  /** By step and number. */
  frames?: ReadonlyMap<string, FrameChange>;
  /** By step and number. */
  progress?: ReadonlyMap<string, Progress>;
  workers?: ReadonlyMap<string, Worker>;
  log?: LogPatch;
}

/** Text at a byte offset. */
export interface LogPatch {
  offset: number;
  text: string;
  bytes: number;
}

const frameKey = (step: string, number: number): string => `${step}/${number}`;

export const patches = {
  farm: (farm: FarmSums): PatchBody => ({ farm }),
  jobs: (jobs: readonly JobSummary[]): PatchBody => ({ jobs: new Map(jobs.map((job) => [job.id, job])) }),
  job: (job: JobSummary): PatchBody => ({ job }),
  details: (details: JobDetails): PatchBody => ({ details }),
  frames: (frames: readonly FrameChange[]): PatchBody => ({
    frames: new Map(frames.map((frame) => [frameKey(frame.step, frame.number), frame])),
  }),
  progress: (progress: Progress): PatchBody => ({
    progress: new Map([[frameKey(progress.step, progress.frame), progress]]),
  }),
  workers: (workers: readonly Worker[]): PatchBody => ({
    workers: new Map(workers.map((worker) => [worker.id, worker])),
  }),
  log: (offset: number, text: string): PatchBody => ({
    log: { offset, text, bytes: Buffer.byteLength(text) },
  }),
  resync: (): PatchBody => ({ resync: true }),
} as const;
