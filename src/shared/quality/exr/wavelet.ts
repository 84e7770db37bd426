/**
 * Undoes the wavelet of PIZ in place.
 * @param start where the first sample stands
 * @param stepX from one sample to the next in a line
 * @param most the largest value there can be; below 2^14 plain arithmetic was used, else one that wraps around
 */
export function decodeWavelet(
  data: Uint16Array,
  start: number,
  columns: number,
  stepX: number,
  rows: number,
  most: number,
): void {
  const stepY = columns * stepX;
  const pair = most < 16_384 ? plainPair : wrappedPair;
  const smaller = Math.min(columns, rows);
  let p2 = 1;
  while (p2 <= smaller) p2 <<= 1;
  p2 >>= 1;
  for (let p = p2 >> 1; p >= 1; p2 = p, p >>= 1) {
    const [x1, x2, y1, y2] = [stepX * p, stepX * p2, stepY * p, stepY * p2];
    const lastY = start + stepY * (rows - p2);
    let py = start;
    for (; py <= lastY; py += y2) {
      const lastX = py + stepX * (columns - p2);
      let px = py;
      for (; px <= lastX; px += x2) {
        pair(data, px, px + y1);
        pair(data, px + x1, px + y1 + x1);
        pair(data, px, px + x1);
        pair(data, px + y1, px + y1 + x1);
      }
      if (columns & p) pair(data, px, px + y1);
    }
    if (rows & p) {
      const lastX = py + stepX * (columns - p2);
      for (let px = py; px <= lastX; px += x2) pair(data, px, px + x1);
    }
  }
}

/** A mean and a difference become two samples again. */
function plainPair(data: Uint16Array, low: number, high: number): void {
  const l = ((data[low] ?? 0) << 16) >> 16;
  const h = ((data[high] ?? 0) << 16) >> 16;
  const a = l + (h & 1) + (h >> 1);
  data[low] = a;
  data[high] = a - h;
}

function wrappedPair(data: Uint16Array, low: number, high: number): void {
  const d = data[high] ?? 0;
  const b = ((data[low] ?? 0) - (d >> 1)) & 65_535;
  data[high] = b;
  data[low] = d + b - 32_768;
}
