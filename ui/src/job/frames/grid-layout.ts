import { GRID_MARKS } from './verdict-grid.ts';

/** How the frames of a step are laid out as cells. Sizes in CSS pixels. */
export interface GridLayout {
  /** Side of a cell with its gap. */
  pitch: number;
  columns: number;
  rows: number;
  /** More than one when a step has more frames than a page can hold cells. */
  framesPerCell: number;
  height: number;
}

/** Beyond this a canvas would be taller than browsers allow, and nobody could point at a single cell. */
const MAX_CELLS = 40_000;

export function layoutGrid(frames: number, width: number): GridLayout {
  const framesPerCell = Math.max(1, Math.ceil(frames / MAX_CELLS));
  const cells = Math.ceil(frames / framesPerCell);
  const pitch = pitchFor(cells);
  const columns = Math.max(1, Math.floor(width / pitch));
  const rows = Math.ceil(cells / columns);
  return { pitch, columns, rows, framesPerCell, height: rows * pitch };
}

function pitchFor(cells: number): number {
  if (cells <= 64) return 28;
  if (cells <= 300) return 20;
  if (cells <= 1_500) return 14;
  if (cells <= 5_000) return 11;
  return cells <= 15_000 ? 9 : 6;
}

/** The cell at a point, as an index, or -1 beside the grid. */
export function cellAt(layout: GridLayout, cells: number, x: number, y: number): number {
  const column = Math.floor(x / layout.pitch);
  if (x < 0 || y < 0 || column >= layout.columns) return -1;
  const cell = Math.floor(y / layout.pitch) * layout.columns + column;
  return cell < cells ? cell : -1;
}

/** What a cell that stands for several frames shows: what most wants attention. */
const LOUDEST_FIRST = [
  'failed',
  'held',
  'running',
  'queued',
  'ready',
  'waiting',
  'cancelled',
  'skipped',
  'done',
  'hold',
  'fail',
  'warn',
  'unchecked',
  'pass',
  'none',
] as const satisfies readonly (typeof GRID_MARKS)[number][];
const LOUDNESS = GRID_MARKS.map((mark) => LOUDEST_FIRST.indexOf(mark));

/** The byte (index into `GRID_MARKS`) that a cell shows. */
export function cellByte(states: Uint8Array, cell: number, framesPerCell: number): number {
  const first = cell * framesPerCell;
  let byte = states[first] ?? 0;
  const end = Math.min(first + framesPerCell, states.length);
  for (let i = first + 1; i < end; i++) {
    const other = states[i] ?? 0;
    if ((LOUDNESS[other] ?? 99) < (LOUDNESS[byte] ?? 99)) byte = other;
  }
  return byte;
}
