import type { LumaPlane } from './luma-plane.ts';

/** Of the range of integers, by how much a firefly is brighter than what is around it. */
const DIFFERENCE = 0.5;
/** In linear light: by more than white, and by so many times what is around it. */
const LINEAR_TIMES = 4;
/** What is around it differs by less than this share of the difference. Without that, stars of fine patterns would count. */
const SMOOTH = 0.25;

/**
 * Counts pixels that stand out alone: far brighter than the median of the 3 × 3 pixels around, where the other eight are
 * much alike. Lines, text, edges and fine patterns are not: of them more than one pixel is bright.
 * @param white the largest integer, or null for linear light
 */
export function countFireflies({ values, width, height }: LumaPlane, white: number | null): number {
  const least = white === null ? 1 : white * DIFFERENCE;
  let count = 0;
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * width - 1;
    let before = values[y * width] ?? 0;
    for (let at = y * width + 1; at < end; at++) {
      const value = values[at] ?? 0;
      // Nearly every pixel ends here.
      const mayStandAlone = value - before > least && value - (values[at + 1] ?? 0) > least;
      if (mayStandAlone && standsAlone(values, at, width, white)) count++;
      before = value;
    }
  }
  return count;
}

function standsAlone(values: Float32Array, at: number, width: number, white: number | null): boolean {
  const value = values[at] ?? 0;
  const around: number[] = [];
  for (const row of [at - width, at, at + width])
    for (const place of [row - 1, row, row + 1]) if (place !== at) around.push(values[place] ?? 0);
  around.sort((a, b) => a - b);
  const [lowest, highest] = [around[0] ?? 0, around[7] ?? 0];
  // The ninth is the brightest, so the median of all nine is the fifth of the eight.
  const median = around[4] ?? 0;
  const difference = value - median;
  const least = white === null ? Math.max(1, LINEAR_TIMES * Math.abs(median)) : white * DIFFERENCE;
  return difference > least && highest - lowest < difference * SMOOTH;
}
