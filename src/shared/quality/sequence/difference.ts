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

/** The median of each sample. Of an even number, the mean of the two in the middle. */
export function medianPicture(pictures: readonly Uint8Array[]): Uint8Array {
  const length = pictures[0]?.length ?? 0;
  const out = new Uint8Array(length);
  const samples = new Uint8Array(pictures.length);
  const [low, high] = [(pictures.length - 1) >> 1, pictures.length >> 1];
  for (let i = 0; i < length; i++) {
    for (let k = 0; k < pictures.length; k++) samples[k] = pictures[k]?.[i] ?? 0;
    samples.sort();
    out[i] = ((samples[low] ?? 0) + (samples[high] ?? 0)) / 2;
  }
  return out;
}
