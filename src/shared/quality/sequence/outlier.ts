import { figure, type Found } from '../checks/check.ts';
import type { CheckDefaults } from '../policy.ts';
import { difference, medianPicture } from './difference.ts';
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
  const judges = [...around.before.slice(0, JUDGED_BY), ...around.after.slice(0, JUDGED_BY)];
  const shown = judges.flatMap(({ thumbnail }) => (thumbnail ? [thumbnail] : []));
  if (!frame.thumbnail || shown.length < JUDGED_BY * 2) return null;
  const median = medianPicture(shown);
  const deviation = difference(frame.thumbnail, median);
  if (deviation < (threshold ?? 0)) return null;
  const deviations = shown.map((picture) => difference(picture, median)).sort((a, b) => a - b);
  const usual = ((deviations[1] ?? 0) + (deviations[2] ?? 0)) / 2;
  if (deviation < usual * TIMES) return null;
  const near = [...around.before.slice(0, LIKE_WITHIN), ...around.after.slice(0, LIKE_WITHIN)];
  const own = frame.thumbnail;
  const isLikeOne = near.some(({ thumbnail }) => thumbnail && difference(own, thumbnail) < deviation / 2);
  if (isLikeOne) return null;
  return {
    message: `It differs from the frames around it by ${figure(deviation)} of the range; they differ by ${figure(usual)}.`,
    value: Number(deviation.toPrecision(4)),
  };
}
