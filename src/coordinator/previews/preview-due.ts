import type { JobState } from '../../shared/domain/states.ts';
import { isEndedJob } from '../../shared/domain/states.ts';

/** What a preview's step is like now, and what its preview was made of. Seconds are since then. */
export interface PreviewStanding {
  stepState: JobState;
  done: number;
  /** Changes whenever a frame of the step comes to a result or loses one. */
  mark: string;
  madeMark: string | null;
  /** Frames that are in it. */
  shown: number;
  /** Frames are left out: every n-th is shown. */
  everyNth: number;
  order: { worker: string; seconds: number; begun: boolean; workerIsSilent: boolean } | null;
  /** In a row; what the step was like at the last one. */
  failures: number;
  orderedMark: string | null;
  /** Since it was last ordered; null: never. */
  secondsSinceOrder: number | null;
}

/** A worker says at once that it is at it. */
const BEGIN_SECONDS = 20;
/** No preview takes so long. */
const MOST_SECONDS = 1_800;
/** Each next one has at least so many times the frames of the one before: all together cost a few times the last one. */
const GROWTH = 1.5;
const LEAST_NEW_FRAMES = 8;
const BACK_OFF_SECONDS = 15;
const MOST_FAILURES = 4;

/** Whether a preview that somebody wants is to be made (again) now. */
export function isDue(standing: PreviewStanding): boolean {
  const { order, done, mark, madeMark, failures, secondsSinceOrder } = standing;
  if (order && !isLost(order)) return false;
  if (done === 0 || mark === madeMark) return false;
  if (failures >= MOST_FAILURES && mark === standing.orderedMark) return false;
  const backOff = BACK_OFF_SECONDS * 2 ** Math.min(failures, MOST_FAILURES);
  if (failures > 0 && (secondsSinceOrder ?? Infinity) < backOff) return false;
  if (madeMark === null || isEndedJob(standing.stepState)) return true;
  const before = standing.shown * standing.everyNth;
  return done >= before + Math.max(LEAST_NEW_FRAMES * standing.everyNth, before * (GROWTH - 1));
}

/** The worker is gone, never heard of it, or hangs. */
function isLost({ seconds, begun, workerIsSilent }: NonNullable<PreviewStanding['order']>): boolean {
  return workerIsSilent || seconds > MOST_SECONDS || (!begun && seconds > BEGIN_SECONDS);
}
