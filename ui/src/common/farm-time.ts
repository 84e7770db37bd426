import { shallowRef } from 'vue';

/** Smaller differences are the way of the message, and no clock that is wrong. */
const TOLERANCE_MS = 2_000;

const aheadMs = shallowRef(0);

/** Takes note of the farm's clock. This machine's may be wrong by hours, and ages are told by the farm's. */
export function learnFarmTime(farmNowMs: number): void {
  const difference = farmNowMs - Date.now();
  if (Math.abs(difference - aheadMs.value) <= TOLERANCE_MS) return;
  aheadMs.value = Math.abs(difference) <= TOLERANCE_MS ? 0 : difference;
}

/** What the farm's clock shows when this machine's shows `localMs`. */
export function farmTime(localMs: number): number {
  return localMs + aheadMs.value;
}
