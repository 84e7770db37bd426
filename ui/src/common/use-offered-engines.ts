import { createSharedComposable, useIntervalFn } from '@vueuse/core';
import { shallowRef, type ShallowRef } from 'vue';
import { farmApi } from '../api/farm-api.ts';

const LOOK_EVERY_MS = 15_000;

/** Ids of the engines that workers have now; null until the farm has said it, and while it does not answer. */
export const useOfferedEngines = createSharedComposable((): ShallowRef<ReadonlySet<string> | null> => {
  const offered = shallowRef<ReadonlySet<string> | null>(null);
  const look = async (): Promise<void> => {
    try {
      const { engines } = await farmApi.engines();
      offered.value = new Set(engines.filter((engine) => engine.workers > 0).map((engine) => engine.id));
    } catch {
      // That the farm is away is said by the page's status; what its workers have is unknown meanwhile.
      offered.value = null;
    }
  };
  useIntervalFn(() => void look(), LOOK_EVERY_MS, { immediateCallback: true });
  return offered;
});
