import { reactive, type ShallowRef } from 'vue';
import type { FrameGrid } from '../../../../src/shared/contracts/realtime.ts';
import { farmApi } from '../../api/farm-api.ts';
import { mediaKind, type MediaKind } from '../../common/media.ts';
import { lastWhere } from '../frames/frame-grid.ts';

/**
 * What a step's frames are: pictures, films, or nothing where an engine stores nothing. Found out by looking at one
 * finished frame, or one whose result waits for a decision; undefined until then.
 * @param waits whether the job has results that wait
 */
export function useStepMedia(
  jobId: string,
  grids: ShallowRef<Map<string, FrameGrid>>,
  waits: () => boolean,
): (step: string) => MediaKind | undefined {
  const known = reactive(new Map<string, MediaKind>());
  const asked = new Set<string>();

  async function ask(step: string): Promise<void> {
    asked.add(step);
    try {
      const done = await farmApi.frames(jobId, { step, state: 'done', limit: 1 });
      const held = { step, state: 'held', verdict: 'fail,hold', limit: 1 };
      const first = done.frames[0] ?? (waits() ? (await farmApi.frames(jobId, held)).frames[0] : undefined);
      if (first) known.set(step, mediaKind(first.key));
    } catch {
      // The next change of the job asks again; until then no picture is shown.
    }
    if (!known.has(step)) asked.delete(step);
  }

  const hasResults = (grid: FrameGrid): boolean =>
    lastWhere(grid, 'done', 1).length > 0 || (waits() && lastWhere(grid, 'held', 1).length > 0);

  return (step) => {
    const answer = known.get(step);
    if (answer !== undefined) return answer;
    const grid = grids.value.get(step);
    if (grid && !asked.has(step) && hasResults(grid)) void ask(step);
    return undefined;
  };
}
