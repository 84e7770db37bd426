import type { Block } from './unpack-block.ts';
import { ExrError } from './exr-header.ts';
import { interleave } from './interleave.ts';

/** A block of four by four equal pixels, in B44A. */
const FLAT = 13 << 2;

/**
 * B44 and B44A: halves in blocks of four by four, 14 bytes each, or 3 where they are equal; other types as they are. First
 * all of one channel, then all of the next.
 */
export function unpackB44(data: Buffer, block: Block): Buffer {
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > data.length) throw new ExrError('a chunk does not decompress');
    at += length;
    return data.subarray(at - length, at);
  };
  const planes = block.channels.map(({ type, columns, rows, bytes }) => {
    if (type !== 'half') return take(columns * rows * bytes);
    const plane = new Uint16Array(columns * rows);
    const values = new Uint16Array(16);
    for (let y = 0; y < rows; y += 4) {
      for (let x = 0; x < columns; x += 4) {
        const isFlat = (data[at + 2] ?? 0) >= FLAT;
        unpackValues(take(isFlat ? 3 : 14), isFlat, values);
        for (let i = 0; i < 16; i++) {
          const [px, py] = [x + (i & 3), y + (i >> 2)];
          if (px < columns && py < rows) plane[py * columns + px] = values[i] ?? 0;
        }
      }
    }
    return Buffer.from(plane.buffer);
  });
  if (at !== data.length) throw new ExrError('a chunk does not decompress');
  return interleave(planes, block);
}

function unpackValues(b: Buffer, isFlat: boolean, out: Uint16Array): void {
  const at = (i: number): number => b[i] ?? 0;
  const s = new Array<number>(16);
  s[0] = (at(0) << 8) | at(1);
  if (isFlat) s.fill(s[0]);
  else {
    const shift = at(2) >> 2;
    const bias = 0x20 << shift;
    // Fifteen differences of six bits each, one after another, from the low bits of the third byte on.
    const bits = (index: number): number => {
      const first = 22 + index * 6;
      const byte = first >> 3;
      const pair = (at(byte) << 8) | (b[byte + 1] ?? 0);
      return (pair >> (10 - (first & 7))) & 0x3f;
    };
    const from = [0, 0, 4, 8, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14];
    const order = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
    for (let i = 1; i < 16; i++)
      s[order[i] ?? 0] = ((s[from[i] ?? 0] ?? 0) + (bits(i - 1) << shift) - bias) & 0xffff;
  }
  for (let i = 0; i < 16; i++) {
    const value = s[i] ?? 0;
    out[i] = value & 0x8000 ? value & 0x7fff : ~value & 0xffff;
  }
}
