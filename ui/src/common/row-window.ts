export interface RowWindow {
  /** First row to draw. */
  start: number;
  /** One past the last row to draw. */
  end: number;
  /** Pixels that the rows before and after would take. */
  before: number;
  after: number;
}

/**
 * Which rows of a long list are worth drawing: those in view and a few around them. All heights in pixels; every row is
 * as high as the others.
 */
export function rowWindow(
  list: { count: number; rowHeight: number },
  view: { top: number; height: number },
  overscan = 10,
): RowWindow {
  const { count, rowHeight } = list;
  const first = Math.floor(Math.max(0, view.top) / rowHeight) - overscan;
  const start = Math.max(0, Math.min(first, count));
  const visible = Math.ceil(view.height / rowHeight) + 2 * overscan + 1;
  const end = Math.min(count, start + visible);
  return { start, end, before: start * rowHeight, after: (count - end) * rowHeight };
}

/** Where to scroll so that a row is in view; the present place when it already is. */
export function scrollTopFor(
  row: number,
  rowHeight: number,
  view: { top: number; height: number; header: number },
): number {
  const rowTop = row * rowHeight;
  const rowBottom = rowTop + rowHeight;
  const usable = view.height - view.header;
  if (rowTop < view.top) return rowTop;
  if (rowBottom > view.top + usable) return rowBottom - usable;
  return view.top;
}
