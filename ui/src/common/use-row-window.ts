import { useElementSize, useScroll } from '@vueuse/core';
import { computed, type ComputedRef, type Ref } from 'vue';
import { rowWindow, type RowWindow } from './row-window.ts';

/** The rows to draw of a list inside a scrolling box. */
export function useRowWindow(
  box: Readonly<Ref<HTMLElement | null>>,
  count: () => number,
  rowHeight: () => number,
): ComputedRef<RowWindow> {
  const { y } = useScroll(box);
  const { height } = useElementSize(box);
  return computed(() =>
    rowWindow({ count: count(), rowHeight: rowHeight() }, { top: y.value, height: height.value || 800 }),
  );
}
