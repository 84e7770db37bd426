import { cellByte, type GridLayout } from './grid-layout.ts';
import { GRID_MARKS, markByte } from './verdict-grid.ts';

const HOLLOW = new Set([markByte('cancelled'), markByte('skipped'), markByte('none')]);
const STRUCK = new Set([markByte('failed'), markByte('fail')]);
const HOLED = new Set([markByte('running'), markByte('hold')]);

export interface GridPaint {
  /** A colour for each byte: those of `GRID_MARKS`, and behind them what a grid brings along. */
  colours: readonly string[];
  /** Of the page, to cut marks out of cells. */
  background: string;
  accent: string;
}

/** The colours of the present theme, as the canvas needs them. @param more of the bytes behind the marks */
export function paintOf(element: Element, more: readonly string[] = []): GridPaint {
  const style = getComputedStyle(element);
  return {
    colours: [...GRID_MARKS.map((mark) => style.getPropertyValue(`--state-${mark}`).trim()), ...more],
    background: style.getPropertyValue('--ui-bg').trim(),
    accent: style.getPropertyValue('--ui-text-highlighted').trim(),
  };
}

/**
 * Paints the cells of one canvas and remembers what it painted, so that a change of a few frames costs a few cells.
 * Colour is never alone: failed cells carry a stroke, running ones and those to be decided a hole, cancelled ones are hollow.
 */
export class GridPainter {
  #painted = new Uint8Array();

  /** Everything anew: after another size, another theme or another mark. */
  paintAll(context: GridContext, states: Uint8Array, view: GridView): void {
    const { pitch, columns, rows } = view.layout;
    context.clearRect(0, 0, columns * pitch, rows * pitch);
    this.#painted = new Uint8Array(Math.ceil(states.length / view.layout.framesPerCell)).fill(UNPAINTED);
    this.paintChanges(context, states, view);
  }

  /** Only the cells that show something else than before. @returns how many */
  paintChanges(context: GridContext, states: Uint8Array, view: GridView): number {
    const { framesPerCell } = view.layout;
    /** Cells by what they show: a colour is set once for all of them. */
    const changed = new Map<number, number[]>();
    let count = 0;
    for (let cell = 0; cell < this.#painted.length; cell++) {
      const byte = framesPerCell === 1 ? (states[cell] ?? 0) : cellByte(states, cell, framesPerCell);
      if (byte === this.#painted[cell]) continue;
      this.#painted[cell] = byte;
      const cells = changed.get(byte);
      if (cells) cells.push(cell);
      else changed.set(byte, [cell]);
      count++;
    }
    for (const [byte, cells] of changed) paintCells(context, cells, byte, view);
    return count;
  }
}

/** Not the byte of any state. */
const UNPAINTED = 255;

export interface GridView {
  layout: GridLayout;
  paint: GridPaint;
}

/** What of a canvas is used. */
export type GridContext = Pick<
  CanvasRenderingContext2D,
  | 'beginPath'
  | 'clearRect'
  | 'fillRect'
  | 'fillStyle'
  | 'lineTo'
  | 'lineWidth'
  | 'moveTo'
  | 'stroke'
  | 'strokeRect'
  | 'strokeStyle'
>;

function paintCells(context: GridContext, cells: readonly number[], byte: number, view: GridView): void {
  const { layout, paint } = view;
  const side = layout.pitch - gapOf(layout.pitch);
  const colour = paint.colours[byte] ?? '#888';
  const place = (cell: number): readonly [number, number] => [
    (cell % layout.columns) * layout.pitch,
    Math.floor(cell / layout.columns) * layout.pitch,
  ];
  if (HOLLOW.has(byte)) {
    context.strokeStyle = colour;
    context.lineWidth = 1;
    for (const cell of cells) {
      const [x, y] = place(cell);
      context.clearRect(x, y, side, side);
      context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    }
    return;
  }
  context.fillStyle = colour;
  for (const cell of cells) context.fillRect(...place(cell), side, side);
  if (STRUCK.has(byte)) strike(context, cells.map(place), side, paint.background);
  if (HOLED.has(byte) && side >= 6) {
    const inner = Math.max(2, Math.round(side / 3));
    const offset = Math.floor((side - inner) / 2);
    context.fillStyle = paint.background;
    for (const [x, y] of cells.map(place)) context.fillRect(x + offset, y + offset, inner, inner);
  }
}

/** Between cells. */
export const gapOf = (pitch: number): number => (pitch <= 6 ? 1 : 2);

function strike(
  context: GridContext,
  places: readonly (readonly [number, number])[],
  side: number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = side >= 10 ? 2 : 1;
  context.beginPath();
  for (const [x, y] of places) {
    context.moveTo(x, y + side);
    context.lineTo(x + side, y);
  }
  context.stroke();
}
