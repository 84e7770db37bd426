import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue';
import { parseFrameSelection } from '../../../../src/shared/domain/frame-ranges.ts';
import { useRouteQuery } from '../../common/use-route-query.ts';
import type { JobView } from '../use-job-view.ts';
import { selectionOf, selectionText, type FrameSelection } from './frame-selection.ts';

/** Longer addresses are cut by programs that pass them on. */
const LONGEST_TEXT = 400;

interface Marked {
  selection: ShallowRef<FrameSelection>;
  runs: ComputedRef<readonly { start: number; step: number; count: number }[]>;
  mark: (step: string, ranges: FrameSelection['ranges']) => void;
}

/** The frames that are marked, kept in the address (`?marked=render/1-24`) where they are told in few words. */
export function useFrameSelection(view: JobView): Marked {
  const text = useRouteQuery('marked');
  const selection = shallowRef<FrameSelection>({ step: '', ranges: [] });
  const runs = computed(() => view.grids.value.get(selection.value.step)?.runs ?? []);

  watch(
    () => view.grids.value.size > 0,
    (known) => {
      const match = /^([A-Za-z0-9_-]+)\/(.+)$/.exec(text.value);
      if (!known || !match || selection.value.ranges.length > 0) return;
      const [, step = '', frames = ''] = match;
      try {
        const ranges = selectionOf(parseFrameSelection(frames), view.grids.value.get(step)?.runs ?? []);
        selection.value = { step, ranges };
      } catch {
        text.value = ''; // Somebody wrote it by hand.
      }
    },
    { immediate: true },
  );

  let told: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => clearTimeout(told));
  return {
    selection,
    runs,
    mark: (step, ranges) => {
      selection.value = { step, ranges };
      // A drag changes it with every move of the pointer.
      clearTimeout(told);
      told = setTimeout(() => {
        const frames = selectionText(selection.value, runs.value);
        text.value = frames === '' || frames.length > LONGEST_TEXT ? '' : `${step}/${frames}`;
      }, 250);
    },
  };
}
