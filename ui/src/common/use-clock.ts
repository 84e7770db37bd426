import { createSharedComposable, useNow } from '@vueuse/core';
import { computed, type ComputedRef } from 'vue';

/** One clock for the whole page, in milliseconds, ticking once a second: ages and elapsed times move together. */
export const useClock: () => ComputedRef<number> = createSharedComposable(() => {
  const now = useNow({ interval: 1_000 });
  return computed(() => now.value.getTime());
});
