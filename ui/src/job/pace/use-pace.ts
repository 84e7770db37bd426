import { useIntervalFn } from '@vueuse/core';
import { computed, shallowRef, watch, type ComputedRef } from 'vue';
import type { JobPace } from '../../../../src/shared/contracts/job-views.ts';
import { farmApi } from '../../api/farm-api.ts';
import type { JobView } from '../use-job-view.ts';

const EVERY_MS = 10_000;

/** How fast the job's frames come, while it runs; null: nothing runs, or the farm has not said it. */
export function usePace(view: JobView): ComputedRef<JobPace | null> {
  const pace = shallowRef<JobPace | null>(null);
  const runs = computed(() => view.job.value?.state === 'running');
  async function look(): Promise<void> {
    if (!runs.value || document.hidden) return;
    try {
      pace.value = await farmApi.pace(view.id);
    } catch {
      pace.value = null; // That the farm is away is said by the page's status.
    }
  }
  watch(runs, () => void look(), { immediate: true });
  // The first frame of a job is what a first estimate is made of.
  watch(
    () => (view.job.value?.frames.done ?? 0) > 0,
    () => void look(),
  );
  useIntervalFn(() => void look(), EVERY_MS);
  return computed(() => (runs.value ? pace.value : null));
}
