import { useEventListener, useTimeoutFn } from '@vueuse/core';
import { ref, type Ref } from 'vue';

/** As in file managers. `extend`: with Shift, from where marking began; `toggle`: with Ctrl or Cmd. */
type PickHow = 'one' | 'extend' | 'toggle';
const howOf = (event: PointerEvent): PickHow =>
  event.shiftKey ? 'extend' : event.ctrlKey || event.metaKey ? 'toggle' : 'one';

/** What somebody does to the cells of a grid by mouse, pen or finger. */
export interface GridActions {
  /** The cell under a point of the window; -1: none. */
  cellAt: (x: number, y: number) => number;
  /** A cell was clicked. */
  pick: (cell: number, how: PickHow) => void;
  /** From one cell to another, while it goes on; `begins` the first time. */
  drag: (from: number, to: number, how: PickHow, begins: boolean) => void;
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
  const start = ref<{ cell: number; x: number; y: number; touch: boolean; how: PickHow } | null>(null);
  let dragging = false;
  const longPress = useTimeoutFn(
    () => {
      if (!start.value) return;
      dragging = true;
      drag(start.value.cell, start.value.cell, 'one', true);
    },
    LONG_PRESS_MS,
    { immediate: false },
  );

  function down(event: PointerEvent): void {
    const cell = cellAt(event.clientX, event.clientY);
    if (event.button !== 0 || cell < 0) return;
    const touch = event.pointerType === 'touch';
    start.value = { cell, x: event.clientX, y: event.clientY, touch, how: howOf(event) };
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
    if (cell < 0 || (!dragging && cell === from.cell)) return;
    const begins = !dragging;
    dragging = true;
    drag(from.cell, cell, from.how, begins);
  }

  function up(event: PointerEvent): void {
    const from = start.value;
    const wasDrag = dragging;
    cancel();
    if (!from || wasDrag || cellAt(event.clientX, event.clientY) !== from.cell) return;
    pick(from.cell, from.how);
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
