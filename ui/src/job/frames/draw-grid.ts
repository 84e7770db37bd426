import { cellByte, type GridLayout } from './grid-layout.ts';
import { GRID_MARKS, markByte } from './verdict-grid.ts';

const GAP = 2;
const HOLLOW = new Set([markByte('cancelled'), markByte('skipped'), markByte('none')]);
const STRUCK = new Set([markByte('failed'), markByte('fail')]);
const HOLED = new Set([markByte('running'), markByte('hold')]);

export interface GridPaint {
  /** A colour for each byte, as `GRID_MARKS` has them. */
  colours: readonly string[];
  /** Of the page, to cut marks out of cells. */
  background: string;
  accent: string;
}

/** The colours of the present theme, as the canvas needs them. */
export function paintOf(element: Element): GridPaint {
  const style = getComputedStyle(element);
  return {
    colours: GRID_MARKS.map((mark) => style.getPropertyValue(`--state-${mark}`).trim()),
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
    let changed = 0;
    for (let cell = 0; cell < this.#painted.length; cell++) {
      const byte = cellByte(states, cell, framesPerCell);
      if (byte === this.#painted[cell]) continue;
      this.#painted[cell] = byte;
      paintCell(context, cell, byte, view);
      changed++;
    }
    for (const cell of view.marked) paintMark(context, cell, view);
    return changed;
  }
}

/** Not the byte of any state. */
const UNPAINTED = 255;

export interface GridView {
  layout: GridLayout;
  paint: GridPaint;
  /** Cells with a frame around them: selected, under the keyboard. */
  marked: readonly number[];
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

function paintCell(context: GridContext, cell: number, byte: number, { layout, paint }: GridView): void {
  const side = layout.pitch - GAP;
  const x = (cell % layout.columns) * layout.pitch;
  const y = Math.floor(cell / layout.columns) * layout.pitch;
  const colour = paint.colours[byte] ?? '#888';
  context.clearRect(x, y, side, side);
  if (HOLLOW.has(byte)) {
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
    return;
  }
  context.fillStyle = colour;
  context.fillRect(x, y, side, side);
  if (STRUCK.has(byte)) strike(context, x, y, side, paint.background);
  if (HOLED.has(byte) && side >= 6) hole(context, x, y, side, paint.background);
}

/** Inside the cell: at the canvas's edge a frame around it would be cut off. */
function paintMark(context: GridContext, cell: number, { layout, paint }: GridView): void {
  const { pitch, columns } = layout;
  const inner = pitch - GAP - 2;
  context.strokeStyle = paint.accent;
  context.lineWidth = 2;
  context.strokeRect((cell % columns) * pitch + 1, Math.floor(cell / columns) * pitch + 1, inner, inner);
}

function strike(context: GridContext, x: number, y: number, side: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = side >= 10 ? 2 : 1;
  context.beginPath();
  context.moveTo(x, y + side);
  context.lineTo(x + side, y);
  context.stroke();
}

function hole(context: GridContext, x: number, y: number, side: number, colour: string): void {
  const inner = Math.max(2, Math.round(side / 3));
  const offset = Math.floor((side - inner) / 2);
  context.fillStyle = colour;
  context.fillRect(x + offset, y + offset, inner, inner);
}
