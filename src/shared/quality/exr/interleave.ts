import type { Block } from './unpack-block.ts';

/** Puts whole channels, one after another, into lines that hold all channels. */
export function interleave(planes: readonly Buffer[], block: Block): Buffer {
  const out = Buffer.allocUnsafe(block.bytes);
  const read = planes.map(() => 0);
  let to = 0;
  for (let y = block.yMin; y < block.yMin + block.lines; y++) {
    for (const [index, { columns, bytes, ySampling }] of block.channels.entries()) {
      if (y % ySampling !== 0) continue;
      const length = columns * bytes;
      const from = read[index] ?? 0;
      to += planes[index]?.copy(out, to, from, from + length) ?? 0;
      read[index] = from + length;
    }
  }
  return out;
}
