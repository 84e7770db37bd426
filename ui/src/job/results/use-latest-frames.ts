import { computed, type ComputedRef } from 'vue';
import { lastWhere } from '../frames/frame-grid.ts';
import { frameKey } from '../use-job.ts';
import type { FrameRef, JobView } from '../use-job-view.ts';

/**
 * The latest finished frames that have something to look at. What came in while somebody watched comes first, newest first; then the
 * last frames by their place in each step.
 */
export function useLatestFrames(view: JobView, count: number): ComputedRef<FrameRef[]> {
  const { grids, finished, media, facts } = view;
  const isShown = (step: string): boolean => (media(step) ?? 'none') !== 'none';
  return computed(() => {
    const found = new Map<string, FrameRef>();
    const take = (at: FrameRef): void => {
      if (found.size < count) found.set(frameKey(at.step, at.frame), at);
    };
    for (const { step, number } of finished.value) {
      if (found.size >= count) break;
      const at = { step, frame: number };
      if (isShown(step) && facts(at)?.state === 'done') take(at);
    }
    for (const [step, grid] of grids.value) {
      if (!isShown(step)) continue;
      for (const frame of lastWhere(grid, 'done', count)) take({ step, frame });
    }
    return [...found.values()];
  });
}
