import { createSharedComposable, useNow } from '@vueuse/core';
import { computed, type ComputedRef } from 'vue';
import { farmTime } from './farm-time.ts';

/**
 * One clock for the whole page, in milliseconds, ticking once a second: ages and elapsed times move together. It is the
 * farm's clock, because what it is compared with was written by the farm.
 */
export const useClock: () => ComputedRef<number> = createSharedComposable(() => {
  const now = useNow({ interval: 1_000 });
  return computed(() => farmTime(now.value.getTime()));
});
