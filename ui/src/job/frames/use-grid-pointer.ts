import { useEventListener, useTimeoutFn } from '@vueuse/core';
import { ref, type Ref } from 'vue';

/** What somebody does to the cells of a grid by mouse, pen or finger. */
export interface GridActions {
  /** The cell under a point of the window; -1: none. */
  cellAt: (x: number, y: number) => number;
  /** A cell was clicked. `extend`: with Shift; `toggle`: with Ctrl or Cmd. */
  pick: (cell: number, how: 'one' | 'extend' | 'toggle') => void;
  /** From one cell to another, while it goes on and when it is over. */
  drag: (anchor: number, other: number, adds: boolean) => void;
  hover: (cell: number, x: number, y: number) => void;
}

const LONG_PRESS_MS = 450;
/** A finger is never quite still. */
const STILL_PX = 10;

/** Clicks, drags over several cells, and a long press of a finger from which on moving it marks cells instead of scrolling. */
export function useGridPointer(
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  { cellAt, pick, drag, hover }: GridActions,
): void {
  const start = ref<{ cell: number; x: number; y: number; touch: boolean; adds: boolean } | null>(null);
  let dragging = false;
  const longPress = useTimeoutFn(
    () => {
      if (!start.value) return;
      dragging = true;
      drag(start.value.cell, start.value.cell, false);
    },
    LONG_PRESS_MS,
    { immediate: false },
  );

  function down(event: PointerEvent): void {
    const cell = cellAt(event.clientX, event.clientY);
    if (event.button !== 0 || cell < 0) return;
    const touch = event.pointerType === 'touch';
    start.value = { cell, x: event.clientX, y: event.clientY, touch, adds: event.ctrlKey || event.metaKey };
    dragging = false;
    if (touch) longPress.start();
  }

  function move(event: PointerEvent): void {
    const cell = cellAt(event.clientX, event.clientY);
    const from = start.value;
    if (!from) {
      if (event.target === canvas.value) hover(cell, event.clientX, event.clientY);
      return;
    }
    const far = Math.hypot(event.clientX - from.x, event.clientY - from.y) > STILL_PX;
    if (from.touch && !dragging) {
      if (far) cancel(); // It scrolls.
      return;
    }
    if (cell < 0 || (!dragging && (cell === from.cell || event.shiftKey))) return;
    dragging = true;
    drag(from.cell, cell, from.adds);
  }

  function up(event: PointerEvent): void {
    const from = start.value;
    const wasDrag = dragging;
    cancel();
    if (!from || wasDrag || cellAt(event.clientX, event.clientY) !== from.cell) return;
    pick(from.cell, event.shiftKey ? 'extend' : from.adds ? 'toggle' : 'one');
  }

  function cancel(): void {
    longPress.stop();
    start.value = null;
    dragging = false;
  }

  useEventListener(canvas, 'pointerdown', down);
  useEventListener(document, 'pointermove', move);
  useEventListener(document, 'pointerup', up);
  useEventListener(document, 'pointercancel', cancel);
  useEventListener(
    canvas,
    'touchmove',
    (event: TouchEvent) => {
      if (dragging) event.preventDefault();
    },
    { passive: false },
  );
  useEventListener(canvas, 'contextmenu', (event: Event) => {
    if (start.value?.touch === true) event.preventDefault();
  });
}
