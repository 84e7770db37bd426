import { useTimeoutFn } from '@vueuse/core';
import { computed, ref, watch, type ComputedRef } from 'vue';

/** A frame is done a moment before its small picture is stored: it is asked for again after so many milliseconds. */
const RETRY_AFTER_MS = [700, 2_500, 6_000];

/**
 * An image that may come a little late.
 * @returns its address, or null while there is nothing to show; `onError` is to be called when it did not load.
 */
export function useRetriedImage(url: () => string): {
  src: ComputedRef<string | null>;
  onError: () => void;
} {
  const tries = ref(0);
  const waiting = ref(false);
  const delay = computed(() => RETRY_AFTER_MS[tries.value] ?? 0);
  const { start, stop } = useTimeoutFn(
    () => {
      tries.value++;
      waiting.value = false;
    },
    delay,
    { immediate: false },
  );
  watch(url, () => {
    stop();
    tries.value = 0;
    waiting.value = false;
  });
  return {
    src: computed(() => {
      if (waiting.value) return null;
      // A new fragment is a new address for the browser, and the same one for the farm.
      return tries.value === 0 ? url() : `${url()}#try-${tries.value}`;
    }),
    onError: () => {
      waiting.value = true;
      if (tries.value < RETRY_AFTER_MS.length) start();
    },
  };
}
