import { useThrottleFn } from '@vueuse/core';
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import { verdictBytes } from '../frames/verdict-grid.ts';
import type { JobView } from '../use-job-view.ts';

/** Verdicts come a moment after states; more often nobody could see the difference. */
const AT_MOST_EVERY_MS = 2_000;

interface Verdicts {
  /** By step: a byte a frame, as `GRID_MARKS` has them. Empty while nobody looks at them. */
  marks: ComputedRef<ReadonlyMap<string, Uint8Array>>;
  problem: Ref<string>;
}

/** What the farm says of each frame's result, asked anew while frames change. @param wanted whether somebody looks at it */
export function useVerdicts(view: JobView, wanted: Ref<boolean>): Verdicts {
  const letters = shallowRef(new Map<string, string>());
  const problem = ref('');

  const load = useThrottleFn(
    async () => {
      if (!wanted.value) return;
      try {
        const { steps } = await farmApi.verdicts(view.id);
        letters.value = new Map(steps.map(({ step, verdicts }) => [step, verdicts]));
        problem.value = '';
      } catch (error) {
        problem.value = sentenceOf(error);
      }
    },
    AT_MOST_EVERY_MS,
    true,
  );
  watch([wanted, view.version, () => view.job.value?.decisions?.frames], () => void load(), {
    immediate: true,
  });

  const marks = computed(() => {
    if (!wanted.value) return new Map<string, Uint8Array>();
    return new Map(
      [...view.grids.value].map(([step, grid]) => [
        step,
        verdictBytes(grid.states, letters.value.get(step) ?? ''),
      ]),
    );
  });
  return { marks, problem };
}
