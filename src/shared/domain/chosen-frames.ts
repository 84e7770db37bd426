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
}
