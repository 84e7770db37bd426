import type { FrameRun } from './frame-ranges.ts';
import type { ChosenSweep, FrameState } from './states.ts';

/** How an error begins that tells who skipped a frame; those are not brought back with what failed. */
export const SKIPPED_BY = 'Skipped by ';

/** Frames of one step to which something is done in slices, and what. */
export interface ChosenFrames {
  kind: ChosenSweep;
  states: readonly FrameState[];
  /** null: whatever their numbers are. */
  runs: readonly FrameRun[] | null;
  /** Of those that were skipped only such as nobody asked to skip: something they wait for had failed. */
  forOthers: boolean;
  /** Held ones only go on, in the generation that they have. */
  letGo: boolean;
  /** `skip`: what the frame says of it. */
  error: string | null;
  /** Held ones only where their result waits for a decision. */
  judged?: boolean;
  /** Who decided so of frames that were judged, and why; absent: it follows from something else. */
  decided?: { by: string; note: string | null };
}
