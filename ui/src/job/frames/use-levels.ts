import { useThrottleFn } from '@vueuse/core';
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue';
import type { JobLevels, LevelKind } from '../../../../src/shared/contracts/job-views.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import type { JobView } from '../use-job-view.ts';
import { LEVEL_COLOURS, levelBytes, WORKER_COLOURS } from './level-grid.ts';

/** A large job's levels are some hundred kB: more often they would only cost. */
const AT_MOST_EVERY_MS = 3_000;

interface Levels {
  answer: ComputedRef<JobLevels | null>;
  /** By step: a byte a frame. */
  marks: ComputedRef<ReadonlyMap<string, Uint8Array>>;
  colours: ComputedRef<readonly string[] | undefined>;
  problem: Ref<string>;
}

/** What each frame took, or who made it, asked anew while frames change. @param of null: nobody looks at it */
export function useLevels(view: JobView, of: Ref<LevelKind | null>): Levels {
  const answer = shallowRef<JobLevels | null>(null);
  const problem = ref('');

  const load = useThrottleFn(
    async () => {
      const wanted = of.value;
      if (wanted === null) return;
      try {
        const found = await farmApi.levels(view.id, wanted);
        if (of.value !== wanted) return;
        answer.value = found;
        problem.value = '';
      } catch (error) {
        problem.value = sentenceOf(error);
      }
    },
    AT_MOST_EVERY_MS,
    true,
  );
  watch([of, view.version], () => void load(), { immediate: true });
  /** Of another kind than the one that is looked at, they would be shown in its colours. */
  const current = computed(() => (answer.value?.of === of.value ? answer.value : null));

  return {
    answer: current,
    marks: computed(() => {
      if (of.value === null) return new Map<string, Uint8Array>();
      const letters = new Map(current.value?.steps.map(({ step, levels }) => [step, levels]));
      return new Map(
        [...view.grids.value].map(([step, grid]) => [
          step,
          levelBytes(grid.states.length, letters.get(step) ?? ''),
        ]),
      );
    }),
    colours: computed(() =>
      of.value === null ? undefined : of.value === 'worker' ? WORKER_COLOURS : LEVEL_COLOURS,
    ),
    problem,
  };
}
