import {
  MOST_LISTED_FRAMES,
  MOST_LISTED_LABELS,
  eventJobSchema,
  type EventFrame,
  type EventType,
  type FarmEvent,
} from '../../shared/contracts/events.ts';
import type { FrameChange, JobSummary } from '../../shared/contracts/messages.ts';

/** What was last heard of a job: whether it stood still for a decision, and how many frames had failed or were held. */
export interface JobMark {
  held: boolean;
  failedFrames: number;
  heldFrames: number;
}
export const NO_MARK: JobMark = { held: false, failedFrames: 0, heldFrames: 0 };

export interface NoticedEvent {
  type: EventType;
  /** ISO 8601. For the end and the delivery of a job the ledger's own time, which tells one end from the next. */
  at: string;
  job: JobSummary;
  /** `listed` is null where only their number was told. */
  frames?: { count: number; listed: EventFrame[] | null };
}

const ENDS = { completed: 'job.completed', failed: 'job.failed', cancelled: 'job.cancelled' } as const;

/**
 * What a word on `status.job` says has come about. The end and the delivery of a job are found in every word that comes
 * after them: tell them apart by their time. Held jobs and frames, and failed frames, are found once, where `before` is what
 * was returned for the word before.
 * @param at when it was said
 */
export function noticeEvents(
  { job, frames }: { job: JobSummary; frames: readonly FrameChange[] | null },
  before: JobMark,
  at: string,
): { events: NoticedEvent[]; mark: JobMark } {
  const mark = markOf(job);
  const events: NoticedEvent[] = [];
  const failed = changed(frames, 'failed', mark.failedFrames - before.failedFrames);
  if (failed) events.push({ type: 'frame.failed', at, job, frames: failed });
  const held = changed(frames, 'held', mark.heldFrames - before.heldFrames);
  if (held) events.push({ type: 'frame.held', at, job, frames: held });
  if (mark.held && !before.held)
    events.push({ type: 'job.held', at, job, frames: { count: mark.heldFrames, listed: null } });
  return { events: [...events, ...lastingEvents(job)], mark };
}

/** The end and the delivery of a job, as the job itself tells them. */
export function lastingEvents(job: JobSummary): NoticedEvent[] {
  const events: NoticedEvent[] = [];
  const { state, finishedAt, deliveredAt } = job;
  if (finishedAt !== null && (state === 'completed' || state === 'failed' || state === 'cancelled'))
    events.push({ type: ENDS[state], at: finishedAt, job });
  if (state === 'completed' && deliveredAt !== null)
    events.push({ type: 'job.delivered', at: deliveredAt, job });
  return events;
}

export function markOf(job: JobSummary): JobMark {
  return { held: job.state === 'held', failedFrames: job.frames.failed, heldFrames: job.frames.held };
}

function changed(
  frames: readonly FrameChange[] | null,
  state: 'failed' | 'held',
  more: number,
): NoticedEvent['frames'] {
  if (frames === null) return more > 0 ? { count: more, listed: null } : undefined;
  const found = frames.filter((frame) => frame.state === state);
  if (found.length === 0) return undefined;
  const listed = found
    .slice(0, MOST_LISTED_FRAMES)
    .map(({ step, number, generation, worker, error }) => ({ step, number, generation, worker, error }));
  return { count: found.length, listed };
}

/** The event as it is sent. `listed` stands for frames that were not told one by one. */
export function toFarmEvent(
  { type, at, job, frames }: NoticedEvent,
  listed: readonly EventFrame[] = [],
): FarmEvent {
  const labels = Object.fromEntries(Object.entries(job.labels).slice(0, MOST_LISTED_LABELS));
  return {
    type,
    timestamp: at,
    data: {
      job: eventJobSchema.parse({ ...job, labels }),
      ...(frames === undefined
        ? {}
        : { frames: { count: frames.count, listed: frames.listed ?? [...listed] } }),
      ...(type === 'job.held' || type === 'frame.held'
        ? { decide: { path: `/api/jobs/${job.id}/{verb}`, verbs: ['accept', 'retry', 'skip', 'resume'] } }
        : {}),
    },
  };
}
