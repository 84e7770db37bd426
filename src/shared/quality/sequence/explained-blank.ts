import { frameDifference } from './difference.ts';
import type { Around, SequenceFrame } from './sequence-frame.ts';

/** Frames on each side among which a blank one may have its like. */
const WITHIN = 3;
/** As a share of the range: a step of a fade is smaller. */
const LIKE = 0.1;

/**
 * Whether a frame of one colour belongs to what is around it: a fade, a pause in black, a title that begins empty, a strobe.
 * One that stands alone is explained by nothing.
 */
export function isExplainedBlank(frame: SequenceFrame, around: Around): boolean {
  const near = [...around.before.slice(0, WITHIN), ...around.after.slice(0, WITHIN)];
  return near.some((other) => {
    const step = frameDifference(frame, other);
    return step !== null && step < LIKE;
  });
}
