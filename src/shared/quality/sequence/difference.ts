import type { SequenceFrame } from './sequence-frame.ts';

/** How much two small pictures differ: the mean difference of their samples as a share of the range, 0–1. */
export function difference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / (a.length * 255);
}

/** Of two frames; null where one has no small picture. */
export function frameDifference(a: SequenceFrame, b: SequenceFrame): number | null {
  if (a.measures.pixels === b.measures.pixels) return 0;
  return a.thumbnail && b.thumbnail ? difference(a.thumbnail, b.thumbnail) : null;
}

/** The median of each sample of four pictures: the mean of the two in the middle. */
export function medianOfFour(
  pictures: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array],
): Uint8Array {
  const [first, second, third, fourth] = pictures;
  const out = new Uint8Array(first.length);
  for (let i = 0; i < out.length; i++) {
    const [a, b, c, d] = [first[i] ?? 0, second[i] ?? 0, third[i] ?? 0, fourth[i] ?? 0];
    out[i] = (a + b + c + d - Math.min(a, b, c, d) - Math.max(a, b, c, d)) / 2;
  }
  return out;
}
