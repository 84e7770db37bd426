import { gapOf, type GridPaint } from './draw-grid.ts';
import type { GridLayout } from './grid-layout.ts';

export interface GridMarks {
  /** Ranges of cells that are marked. */
  selected: readonly (readonly [first: number, last: number])[];
  /** Cells with a frame around them: under the keyboard, shown beside the grid. */
  framed: readonly number[];
}

/** What lies over the cells, on a canvas of its own: it changes with every move of the pointer, and they do not. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  { selected, framed }: GridMarks,
  layout: GridLayout,
  paint: GridPaint,
): void {
  const { columns, pitch, rows } = layout;
  const side = pitch - gapOf(pitch);
  context.clearRect(0, 0, columns * pitch, rows * pitch);
  context.strokeStyle = paint.accent;
  context.lineWidth = pitch >= 9 ? 2 : 1;
  context.beginPath();
  for (const [first, last] of selected)
    for (const [row, from, to] of rowsOf(first, last, columns)) {
      context.rect(from * pitch, row * pitch, (to - from + 1) * pitch, pitch);
    }
  context.globalAlpha = 0.45;
  context.fillStyle = paint.accent;
  context.fill();
  context.globalAlpha = 1;
  for (const cell of framed)
    // Inside the cell: at the canvas's edge a frame around it would be cut off.
    context.strokeRect(
      (cell % columns) * pitch + 1,
      Math.floor(cell / columns) * pitch + 1,
      side - 2,
      side - 2,
    );
}

/** A range of cells, row by row: the row, its first and its last column. */
function* rowsOf(first: number, last: number, columns: number): Generator<[number, number, number]> {
  for (let row = Math.floor(first / columns); row <= Math.floor(last / columns); row++) {
    const start = row * columns;
    yield [row, Math.max(first, start) - start, Math.min(last, start + columns - 1) - start];
  }
}
