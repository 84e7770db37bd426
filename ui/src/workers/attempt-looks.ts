import type { WorkerAttempts } from '../../../src/shared/contracts/worker-api.ts';
import type { StateLook } from '../common/states.ts';

export type WorkerAttempt = WorkerAttempts['attempts'][number];

const look = (word: string, icon: string, name: string): StateLook => ({
  word,
  icon,
  colour: `var(--state-${name})`,
});
const RUNNING = look('Running', 'i-lucide-play', 'running');
const LOOKS: Record<string, StateLook> = {
  completed: look('Completed', 'i-lucide-check', 'done'),
  failed: look('Failed', 'i-lucide-triangle-alert', 'failed'),
  lost: look('Lost', 'i-lucide-unplug', 'failed'),
  rejected: look('Rejected', 'i-lucide-octagon-x', 'failed'),
  released: look('Given back', 'i-lucide-undo-2', 'queued'),
  cancelled: look('Cancelled', 'i-lucide-ban', 'waiting'),
};

/** How the outcome of an attempt is shown; one without runs. */
export function attemptLook(outcome: string | null): StateLook {
  return outcome === null ? RUNNING : (LOOKS[outcome] ?? look(outcome, 'i-lucide-circle-help', 'waiting'));
}

export interface TaskBar {
  attempt: WorkerAttempt;
  /** Of the whole width, in percent. */
  left: number;
  width: number;
  /** Tasks that a worker does at the same time lie below each other. */
  lane: number;
}

/** Narrower bars could not be seen or hit. */
const LEAST_WIDTH = 0.4;
const MOST_LANES = 8;

/**
 * Attempts laid out along time. Pure.
 * @param nowMs where those end that run.
 */
export function layoutAttempts(
  attempts: readonly WorkerAttempt[],
  nowMs: number,
): { bars: TaskBar[]; lanes: number; from: number; to: number } {
  const spans = attempts
    .map((attempt) => ({
      attempt,
      start: Date.parse(attempt.startedAt),
      end: Math.max(
        Date.parse(attempt.startedAt),
        attempt.endedAt === null ? nowMs : Date.parse(attempt.endedAt),
      ),
    }))
    .sort((a, b) => a.start - b.start);
  const from = spans[0]?.start ?? nowMs;
  const to = Math.max(from + 1_000, ...spans.map(({ end }) => end));
  const ends: number[] = [];
  const bars = spans.map(({ attempt, start, end }) => {
    const free = ends.findIndex((until) => until <= start);
    const lane = Math.min(free < 0 ? ends.length : free, MOST_LANES - 1);
    ends[lane] = Math.max(ends[lane] ?? 0, end);
    const left = (100 * (start - from)) / (to - from);
    const width = Math.max(LEAST_WIDTH, (100 * (end - start)) / (to - from));
    return { attempt, left: Math.min(left, 100 - LEAST_WIDTH), width, lane };
  });
  return { bars, lanes: Math.max(1, ends.length), from, to };
}
