import { Unreadable } from './not-decodable.ts';

/** A picture whose header claims more pixels than this is refused, and nothing of it decoded. */
export const MAX_PIXELS = 1_000_000_000;

/** @throws Unreadable */
export function assertPixels(width: number, height: number): void {
  if (width * height <= MAX_PIXELS) return;
  throw new Unreadable(
    `claims ${width} × ${height} pixels, more than the ${MAX_PIXELS / 1e6} million that are decoded`,
  );
}
