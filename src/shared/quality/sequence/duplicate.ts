import { figure, type Found } from '../checks/check.ts';
import type { CheckDefaults } from '../policy.ts';
import { frameDifference } from './difference.ts';
import type { Around, SequenceFrame } from './sequence-frame.ts';

/** The threshold is how many times larger than usual the step after the repeated frame must be. */
export const duplicateCheck: CheckDefaults = { name: 'duplicate', verdict: 'warn', threshold: 1.5 };

/** Frames on each side that must all move: in animation on twos or threes, and in holds, they do not. */
const MOVING = 4;
/** Small pictures of so little difference tell no step from another. */
const LEAST_STEP = 0.0015;

/**
 * A frame with exactly the pixels of the one before it, in the midst of movement, with a step after it as if one had been
 * left out. Where pictures are held on purpose (on twos, at rest, on an end card) others nearby are equal as well, and where
 * a movement turns round the steps are small.
 */
export function findDuplicate(frame: SequenceFrame, around: Around, threshold: number | null): Found | null {
  const [previous] = around.before;
  if (previous?.measures.pixels !== frame.measures.pixels) return null;
  const before = around.before.slice(0, MOVING);
  const after = around.after.slice(0, MOVING);
  if (before.length < MOVING || after.length < MOVING) return null;
  const stepsBefore = stepsOf(before);
  const [jump, ...stepsAfter] = stepsOf([frame, ...after]);
  const steps = [...stepsBefore, ...stepsAfter];
  if (jump === undefined || steps.some((step) => step < LEAST_STEP)) return null;
  // The steps nearest to it tell how far it would have moved.
  const usual = ((stepsBefore[0] ?? 0) + (stepsAfter[0] ?? 0)) / 2;
  const times = jump / usual;
  if (times < (threshold ?? 0)) return null;
  const message = `It has the pixels of frame ${previous.number}, and the step after it is ${figure(times)} times the usual.`;
  return { message, value: Number(times.toPrecision(4)) };
}

/** From each frame to the next; equal ones and those without a small picture make none. */
function stepsOf(frames: readonly SequenceFrame[]): number[] {
  return frames.slice(1).map((frame, index) => {
    const before = frames[index];
    return before ? (frameDifference(before, frame) ?? 0) : 0;
  });
}
