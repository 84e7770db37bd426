import { figure, type Found } from '../checks/check.ts';
import type { CheckDefaults } from '../policy.ts';
import { difference, frameDifference, medianOfFour } from './difference.ts';
import type { Around, SequenceFrame } from './sequence-frame.ts';

/** The threshold is by how much a frame must differ from those around it, as a share of the range. */
export const outlierCheck: CheckDefaults = { name: 'outlier', verdict: 'fail', threshold: 0.03 };

/** Neighbours on each side by which a frame is judged, and those among which it may have its like. */
const JUDGED_BY = 2;
const LIKE_WITHIN = 3;
/** How many times more than its neighbours among themselves it must differ. */
const TIMES = 4;

/**
 * A frame unlike those around it: far from the median of two neighbours on each side, measured by how far these are from it
 * (the median of their deviations), and unlike each one of them. A frame at a cut is like one side, one of a strobe like
 * another one nearby; the first and the last two frames are not judged, as nobody knows what would have been beyond.
 */
export function findOutlier(frame: SequenceFrame, around: Around, threshold: number | null): Found | null {
  const least = threshold ?? 0;
  const near = [...around.before.slice(0, LIKE_WITHIN), ...around.after.slice(0, LIKE_WITHIN)];
  const isLikeOne = (most: number): boolean =>
    near.some((other) => (frameDifference(frame, other) ?? 1) < most);
  // Nearly every frame ends here.
  if (isLikeOne(least / 2)) return null;
  const judges = [...around.before.slice(0, JUDGED_BY), ...around.after.slice(0, JUDGED_BY)];
  const [a, b, c, d] = judges.flatMap(({ thumbnail }) => (thumbnail ? [thumbnail] : []));
  if (!frame.thumbnail || !a || !b || !c || !d) return null;
  const median = medianOfFour([a, b, c, d]);
  const deviation = difference(frame.thumbnail, median);
  const [, low = 0, high = 0] = [a, b, c, d].map((one) => difference(one, median)).sort((x, y) => x - y);
  const usual = (low + high) / 2;
  if (deviation < least || deviation < usual * TIMES || isLikeOne(deviation / 2)) return null;
  return {
    message: `It differs from the frames around it by ${figure(deviation)} of the range; they differ by ${figure(usual)}.`,
    value: Number(deviation.toPrecision(4)),
  };
}
