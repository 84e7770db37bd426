import { useThrottleFn } from '@vueuse/core';
import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { Attempt } from '../../../../src/shared/contracts/api.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import type { JobView } from '../use-job-view.ts';

/** The attempts of a job, newest first; looked at anew, at most every 2 s, while frames change. */
export function useAttempts(view: JobView): {
  attempts: ShallowRef<Attempt[]>;
  loaded: Ref<boolean>;
  problem: Ref<string>;
} {
  const attempts = shallowRef<Attempt[]>([]);
  const loaded = ref(false);
  const problem = ref('');
  const load = useThrottleFn(
    async () => {
      try {
        attempts.value = (await farmApi.attempts(view.id)).attempts;
        problem.value = '';
      } catch (error) {
        problem.value = sentenceOf(error);
      }
      loaded.value = true;
    },
    2_000,
    true,
  );
  watch([view.version, view.job], () => void load(), { immediate: true });
  return { attempts, loaded, problem };
}
