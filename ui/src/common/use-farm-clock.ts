import { computed, ref, type ComputedRef } from 'vue';
import { useClock } from './use-clock.ts';

/** Smaller differences are the way of the answer, not the clock. */
const TOLERATED_MS = 5_000;
const aheadMs = ref(0);

/** An answer of the farm said what time it is there. Ages are told by that clock, however wrong this machine's is. */
export function learnFarmTime(now: string): void {
  const difference = Date.parse(now) - Date.now();
  if (Number.isFinite(difference)) aheadMs.value = Math.abs(difference) < TOLERATED_MS ? 0 : difference;
}

/** The farm's time in milliseconds, ticking once a second; this machine's, until an answer said otherwise. */
export function useFarmClock(): ComputedRef<number> {
  const clock = useClock();
  return computed(() => clock.value + aheadMs.value);
}
