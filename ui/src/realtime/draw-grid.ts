import { FRAME_STATES } from '../../../src/shared/contracts/realtime.ts';
import { cellByte, type GridLayout } from './grid-layout.ts';

const GAP = 2;
const byteOf = (name: (typeof FRAME_STATES)[number]): number => FRAME_STATES.indexOf(name);
const HOLLOW = new Set([byteOf('cancelled'), byteOf('skipped')]);
const FAILED = byteOf('failed');
const RUNNING = byteOf('running');

export interface GridPaint {
  /** A colour for each byte of state. */
  colours: readonly string[];
  /** Of the page, to cut marks out of cells. */
  background: string;
  accent: string;
}

/** The colours of the present theme, as the canvas needs them. */
export function paintOf(element: Element): GridPaint {
  const style = getComputedStyle(element);
  return {
    colours: FRAME_STATES.map((state) => style.getPropertyValue(`--state-${state}`).trim()),
    background: style.getPropertyValue('--ui-bg').trim(),
    accent: style.getPropertyValue('--ui-text-highlighted').trim(),
  };
}

/**
 * Draws all cells. Colour is never alone: failed cells carry a stroke, running ones a hole, cancelled ones are hollow.
 * @param marked cells with a frame around them (selected, under the keyboard).
 */
export function drawGrid(
  context: CanvasRenderingContext2D,
  states: Uint8Array,
  layout: GridLayout,
  paint: GridPaint,
  marked: readonly number[],
): void {
  const { pitch, columns, rows, framesPerCell } = layout;
  const side = pitch - GAP;
  context.clearRect(0, 0, columns * pitch, rows * pitch);
  const cells = Math.ceil(states.length / framesPerCell);
  for (let cell = 0; cell < cells; cell++) {
    const byte = cellByte(states, cell, framesPerCell);
    const x = (cell % columns) * pitch;
    const y = Math.floor(cell / columns) * pitch;
    const colour = paint.colours[byte] ?? '#888';
    if (HOLLOW.has(byte)) {
      context.strokeStyle = colour;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
      continue;
    }
    context.fillStyle = colour;
    context.fillRect(x, y, side, side);
    if (byte === FAILED) strike(context, x, y, side, paint.background);
    if (byte === RUNNING && side >= 6) hole(context, x, y, side, paint.background);
  }
  context.strokeStyle = paint.accent;
  context.lineWidth = 2;
  for (const cell of marked) {
    const x = (cell % columns) * pitch;
    const y = Math.floor(cell / columns) * pitch;
    context.strokeRect(x - 1, y - 1, side + 2, side + 2);
  }
}

function strike(context: CanvasRenderingContext2D, x: number, y: number, side: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = side >= 10 ? 2 : 1;
  context.beginPath();
  context.moveTo(x, y + side);
  context.lineTo(x + side, y);
  context.stroke();
}

function hole(context: CanvasRenderingContext2D, x: number, y: number, side: number, colour: string): void {
  const inner = Math.max(2, Math.round(side / 3));
  const offset = Math.floor((side - inner) / 2);
  context.fillStyle = colour;
  context.fillRect(x + offset, y + offset, inner, inner);
}
