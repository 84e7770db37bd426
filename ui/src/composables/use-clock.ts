import { useNow } from '@vueuse/core';
import { computed, effectScope, type ComputedRef } from 'vue';

let clock: ComputedRef<number> | undefined;

/** One clock for the whole page, in milliseconds, ticking once a second: ages and elapsed times move together. */
export function useClock(): ComputedRef<number> {
  clock ??= effectScope(true).run(() => {
    const now = useNow({ interval: 1_000 });
    return computed(() => now.value.getTime());
  });
  return clock as ComputedRef<number>;
}
