import { sliceRuns, type FrameRun } from '../../shared/domain/frame-ranges.ts';

/**
 * The first, the middle and the last frame before all others, which keep their order.
 * @returns the runs, and how many of their first frames are the preview: three, or all where there are fewer.
 */
export function previewFirst(runs: readonly FrameRun[]): { runs: FrameRun[]; frames: number } {
  const total = runs.reduce((sum, run) => sum + run.count, 0);
  const positions = [...new Set([0, Math.floor((total - 1) / 2), total - 1])].filter((at) => at >= 0);
  const preview = positions.flatMap((at) => sliceRuns(runs, at, 1));
  const rest = [...positions]
    .sort((a, b) => a - b)
    .flatMap((at, index, sorted) => {
      const from = at + 1;
      return sliceRuns(runs, from, (sorted[index + 1] ?? total) - from);
    });
  return { runs: [...preview, ...rest], frames: positions.length };
}
