import type { StepView } from './snapshot.ts';

/** Frames of one task when chunks are sized by the farm. */
export const MAX_AUTO_CHUNK = 1_000;
/** What a task message takes at most; also the limit of `chunk: n` and of a piece of a sequential step. */
export const MAX_CHUNK = 10_000;

/**
 * Frames for the next task of a step: as many as fill the target time, but never so many that the slots would end at
 * very different times. Without a measured frame it is one, so that the first results come soon and tell.
 * @param secondsPerFrame mean of accepted frames; null before the first.
 * @param remaining frames of the step that nobody has taken.
 * @param slots that work on it or could.
 */
export function autoChunk(options: {
  secondsPerFrame: number | null;
  targetSeconds: number;
  remaining: number;
  slots: number;
}): number {
  const { secondsPerFrame, targetSeconds, remaining, slots } = options;
  if (secondsPerFrame === null) return 1;
  const filling = secondsPerFrame > 0 ? Math.floor(targetSeconds / secondsPerFrame) : MAX_AUTO_CHUNK;
  // Half of an equal share: later tasks get smaller, so that all slots end at about the same time.
  const fair = Math.ceil(remaining / (Math.max(1, slots) * 2));
  return Math.max(1, Math.min(filling, fair, MAX_AUTO_CHUNK));
}

/**
 * Frames of a step's next task, as its chunks are asked for.
 * @param remaining frames of the step that nobody has taken.
 * @param slots that work on it or could.
 */
export function chunkOf(
  step: Pick<StepView, 'chunk' | 'secondsPerFrame' | 'targetSeconds'>,
  remaining: number,
  slots: number,
): number {
  if (step.chunk === 'sequential') return MAX_CHUNK;
  if (step.chunk !== 'auto') return step.chunk;
  const { secondsPerFrame, targetSeconds } = step;
  return autoChunk({ secondsPerFrame, targetSeconds, remaining, slots });
}
