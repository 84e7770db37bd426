import type { JobDetails } from '../../shared/contracts/job-details.ts';
import type { FrameChange, JobSummary, Progress } from '../../shared/contracts/messages.ts';
import type { RoomPatch } from '../../shared/contracts/realtime.ts';
import type { Worker } from '../../shared/contracts/api.ts';

/** What changed in a room, with the newest word on each thing. Never changed once made: sockets share it. */
export interface PatchBody {
  /** Too much to list, or a break: whoever sees it joins again. Nothing else matters then. */
  resync?: true;
  jobs?: ReadonlyMap<string, JobSummary>;
  job?: JobSummary;
  details?: JobDetails;
  /** By step and number. */
  frames?: ReadonlyMap<string, FrameChange>;
  /** By task. */
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

/** A client that fell so far behind gets on faster with a snapshot. */
const MAX_ENTRIES = 5_000;
const MAX_LOG_BYTES = 262_144;

const RESYNC: PatchBody = { resync: true };

export const patches = {
  jobs: (jobs: readonly JobSummary[]): PatchBody => ({ jobs: new Map(jobs.map((job) => [job.id, job])) }),
  job: (job: JobSummary): PatchBody => ({ job }),
  details: (details: JobDetails): PatchBody => ({ details }),
  frames: (frames: readonly FrameChange[]): PatchBody => ({
    frames: new Map(frames.map((frame) => [`${frame.step}/${frame.number}`, frame])),
  }),
  progress: (progress: Progress): PatchBody => ({ progress: new Map([[progress.taskId, progress]]) }),
  workers: (workers: readonly Worker[]): PatchBody => ({
    workers: new Map(workers.map((worker) => [worker.id, worker])),
  }),
  log: (offset: number, text: string): PatchBody => ({
    log: { offset, text, bytes: Buffer.byteLength(text) },
  }),
  resync: (): PatchBody => RESYNC,
} as const;

/** Both, the later one winning where they speak of the same thing. */
export function mergePatches(older: PatchBody | undefined, newer: PatchBody): PatchBody {
  if (older === undefined || newer.resync) return newer;
  if (older.resync) return older;
  const merged: PatchBody = { ...older };
  if (newer.job) merged.job = newer.job;
  if (newer.details) merged.details = newer.details;
  if (newer.jobs) merged.jobs = mergeMaps(older.jobs, newer.jobs);
  if (newer.frames) merged.frames = mergeMaps(older.frames, newer.frames);
  if (newer.progress) merged.progress = mergeMaps(older.progress, newer.progress);
  if (newer.workers) merged.workers = mergeMaps(older.workers, newer.workers);
  if (newer.log) {
    const log = older.log ? appendLog(older.log, newer.log) : newer.log;
    if (!log) return RESYNC;
    merged.log = log;
  }
  return isTooLarge(merged) ? RESYNC : merged;
}

/** As it goes over the socket, without the room's place in its sequence. */
export function patchContent(body: PatchBody): Omit<RoomPatch, 'room' | 'epoch' | 'seq'> {
  if (body.resync) return { resync: true };
  return {
    ...(body.job && { job: body.job }),
    ...(body.details && { details: body.details }),
    ...(body.jobs && { jobs: [...body.jobs.values()] }),
    ...(body.frames && { frames: [...body.frames.values()] }),
    ...(body.progress && { progress: [...body.progress.values()] }),
    ...(body.workers && { workers: [...body.workers.values()] }),
    ...(body.log && { log: { offset: body.log.offset, text: body.log.text } }),
  };
}

function mergeMaps<V>(
  older: ReadonlyMap<string, V> | undefined,
  newer: ReadonlyMap<string, V>,
): ReadonlyMap<string, V> {
  return older ? new Map([...older, ...newer]) : newer;
}

/**
 * What of a piece lies behind `from`, the end of what is there already: pieces may come twice.
 * @returns undefined where something between the two is missing.
 */
export function logBehind(log: LogPatch, from: number): LogPatch | undefined {
  if (log.offset > from) return undefined;
  if (log.offset === from) return log;
  const bytes = Buffer.from(log.text).subarray(from - log.offset);
  return { offset: from, text: bytes.toString('utf8'), bytes: bytes.length };
}

function appendLog(older: LogPatch, newer: LogPatch): LogPatch | undefined {
  const rest = logBehind(newer, older.offset + older.bytes);
  return rest && { offset: older.offset, text: older.text + rest.text, bytes: older.bytes + rest.bytes };
}

function isTooLarge(body: PatchBody): boolean {
  const maps = [body.jobs, body.frames, body.progress, body.workers];
  return maps.some((map) => (map?.size ?? 0) > MAX_ENTRIES) || (body.log?.bytes ?? 0) > MAX_LOG_BYTES;
}
