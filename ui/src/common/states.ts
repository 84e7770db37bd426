import type { Worker } from '../../../src/shared/contracts/api.ts';
import type { FrameState, JobState } from '../../../src/shared/contracts/realtime.ts';

/** How a state is shown: always a word, an icon and a colour together. */
export interface StateLook {
  word: string;
  icon: string;
  /** A CSS colour for marks, bars and cells. */
  colour: string;
}

const look = (word: string, icon: string, name: string): StateLook => ({
  word,
  icon,
  colour: `var(--state-${name})`,
});

export const JOB_LOOKS: Record<JobState, StateLook> = {
  queued: look('Queued', 'i-lucide-clock', 'queued'),
  running: look('Running', 'i-lucide-play', 'running'),
  paused: look('Paused', 'i-lucide-pause', 'warned'),
  completed: look('Completed', 'i-lucide-check', 'done'),
  failed: look('Failed', 'i-lucide-triangle-alert', 'failed'),
  cancelled: look('Cancelled', 'i-lucide-ban', 'waiting'),
  held: look('Held', 'i-lucide-hand', 'held'),
};

export const FRAME_LOOKS: Record<FrameState, StateLook> = {
  waiting: look('Waiting', 'i-lucide-hourglass', 'waiting'),
  ready: look('Ready', 'i-lucide-circle', 'ready'),
  queued: look('Queued', 'i-lucide-clock', 'queued'),
  running: look('Running', 'i-lucide-play', 'running'),
  done: look('Done', 'i-lucide-check', 'done'),
  failed: look('Failed', 'i-lucide-triangle-alert', 'failed'),
  held: look('Held', 'i-lucide-hand', 'held'),
  skipped: look('Skipped', 'i-lucide-skip-forward', 'skipped'),
  cancelled: look('Cancelled', 'i-lucide-ban', 'cancelled'),
};

export const WORKER_LOOKS: Record<Worker['state'], StateLook> = {
  idle: look('Idle', 'i-lucide-circle', 'ready'),
  busy: look('Rendering', 'i-lucide-play', 'running'),
  paused: look('Paused', 'i-lucide-pause', 'held'),
  draining: look('Draining', 'i-lucide-log-out', 'warned'),
  stopping: look('Stopping', 'i-lucide-log-out', 'warned'),
  lost: look('Lost', 'i-lucide-unplug', 'failed'),
  offline: look('Offline', 'i-lucide-power-off', 'waiting'),
};

/** From left to right in a progress bar: what is finished first, what is open last. */
export const PROGRESS_ORDER = [
  'done',
  'failed',
  'held',
  'skipped',
  'cancelled',
  'running',
  'queued',
  'ready',
  'waiting',
] as const satisfies readonly FrameState[];

type Counts = Partial<Record<FrameState, number>> & { total: number };

export interface ProgressSegment {
  state: FrameState;
  count: number;
  /** Of the whole bar, 0–100. */
  percent: number;
}

/** The parts of a progress bar that are worth drawing. */
export function progressSegments(counts: Counts): ProgressSegment[] {
  if (counts.total === 0) return [];
  return PROGRESS_ORDER.flatMap((state) => {
    const count = counts[state] ?? 0;
    return count === 0 ? [] : [{ state, count, percent: (count / counts.total) * 100 }];
  });
}

/** Whole percent of frames that are done; 100 only when really all of them are. */
export function percentDone(counts: Counts): number {
  if (counts.total === 0) return 0;
  return Math.floor(((counts.done ?? 0) / counts.total) * 100);
}

/** One sentence for eyes that do not see the bar: `120 of 240 frames done, 3 failed`. */
export function describeCounts(counts: Counts): string {
  const others = progressSegments(counts).filter((segment) => segment.state !== 'done');
  return [
    `${counts.done ?? 0} of ${counts.total} frames done`,
    ...others.map((segment) => `${segment.count} ${segment.state}`),
  ].join(', ');
}
