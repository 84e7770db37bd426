/** Steps with more frames than this are not told frame by frame: a page would be sent more bytes than it can show; counts remain. */
export const MAX_GRID_FRAMES = 2_000_000;
