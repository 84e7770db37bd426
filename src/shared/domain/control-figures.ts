/** What a control message is counted in: frames by what they were, or by what becomes of them; steps where it says so. */
export const CONTROL_FIGURES = [
  'running',
  'queued',
  'notBegun',
  'failed',
  'held',
  'cancelled',
  /** Rendered again because that was asked, and because they were made from those. */
  'again',
  'madeFromThem',
  /** Taken as they are by a person. */
  'accepted',
  /** Running frames that are left alone. */
  'left',
  'added',
  /** New frames that were there already. */
  'present',
  'steps',
  'frames',
  /** Results that a deletion removes, and their bytes; of these, bytes of scenes that no other job uses. */
  'files',
  'bytes',
  'sceneBytes',
] as const;
export type ControlFigure = (typeof CONTROL_FIGURES)[number];
export type ControlFigures = Partial<Record<ControlFigure, number>>;

/** Figures of several jobs as one. */
export function sumFigures(all: readonly ControlFigures[]): ControlFigures {
  const sum: ControlFigures = {};
  for (const figures of all)
    for (const figure of CONTROL_FIGURES) {
      const value = (sum[figure] ?? 0) + (figures[figure] ?? 0);
      if (value > 0) sum[figure] = value;
    }
  return sum;
}
