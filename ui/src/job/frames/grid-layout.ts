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

/** More cells than this nobody could tell apart. */
const MAX_CELLS = 100_000;
/** Browsers draw no canvas that is taller, or has more pixels; both in pixels of the device. */
const MAX_HEIGHT = 16_000;
const MAX_AREA = 40_000_000;

/** Sides that a cell can have, from far away to close by. */
export const PITCHES = [4, 6, 9, 11, 14, 20, 28, 40] as const;

/**
 * @param wanted the side that somebody asked for; where the whole would not fit a canvas with it, the next smaller one is taken
 * @param pixelRatio pixels of the device for each of CSS
 */
export function layoutGrid(frames: number, width: number, wanted?: number, pixelRatio = 1): GridLayout {
  let framesPerCell = Math.max(1, Math.ceil(frames / MAX_CELLS));
  for (;;) {
    const cells = Math.ceil(frames / framesPerCell);
    const pitch = wanted ?? pitchFor(cells);
    for (const side of [pitch, ...PITCHES.toReversed().filter((smaller) => smaller < pitch)]) {
      const layout = layoutWith(side, cells, width, framesPerCell);
      const area = layout.height * layout.columns * side * pixelRatio ** 2;
      if (layout.height * pixelRatio <= MAX_HEIGHT && area <= MAX_AREA) return layout;
    }
    framesPerCell *= 2;
  }
}

function layoutWith(pitch: number, cells: number, width: number, framesPerCell: number): GridLayout {
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

/** The next larger or smaller side. */
export function zoomed(pitch: number, by: 1 | -1): number {
  const sides = by > 0 ? PITCHES : PITCHES.toReversed();
  return sides.find((side) => (side - pitch) * by > 0) ?? pitch;
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
/** What stands behind the marks are levels: the highest is the loudest. */
const LOUDNESS = Int16Array.from({ length: 256 }, (_, byte) => {
  const mark = GRID_MARKS[byte];
  return mark === undefined ? -byte : LOUDEST_FIRST.indexOf(mark);
});

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
