import { ExrError } from './exr-header.ts';
import { decodeHuffman } from './huffman.ts';
import { interleave } from './interleave.ts';
import type { Block } from './unpack-block.ts';
import { decodeWavelet } from './wavelet.ts';

const BITMAP_BYTES = 8_192;

/** PIZ: the values that occur are numbered, those numbers go through a wavelet, and what is left through a Huffman code. */
export function unpackPiz(data: Buffer, block: Block): Buffer {
  if (data.length < 8) throw new ExrError('a chunk does not decompress');
  const [first, last] = [data.readUInt16LE(0), data.readUInt16LE(2)];
  if (last >= BITMAP_BYTES) throw new ExrError('a chunk does not decompress');
  const bitmapBytes = first <= last ? last - first + 1 : 0;
  const { values, count } = valuesOf(data.subarray(4, 4 + bitmapBytes), first);
  const at = 4 + bitmapBytes;
  const length = data.readInt32LE(at);
  if (length < 0 || at + 4 + length > data.length) throw new ExrError('a chunk does not decompress');
  const numbers = new Uint16Array(block.bytes / 2);
  decodeHuffman(data.subarray(at + 4, at + 4 + length), numbers);
  let start = 0;
  const planes = block.channels.map(({ columns, rows, bytes }) => {
    const words = bytes / 2;
    const plane = numbers.subarray(start, (start += columns * rows * words));
    // Samples of four bytes are two pictures of two bytes each.
    for (let word = 0; word < words; word++) decodeWavelet(plane, word, columns, words, rows, count - 1);
    for (let i = 0; i < plane.length; i++) plane[i] = values[plane[i] ?? 0] ?? 0;
    return Buffer.from(plane.buffer, plane.byteOffset, plane.byteLength);
  });
  return interleave(planes, block);
}

/** The values by their numbers; zero always is one of them, and the first. */
function valuesOf(bitmap: Buffer, first: number): { values: Uint16Array; count: number } {
  const values = new Uint16Array(65_536);
  let count = 0;
  for (let value = 0; value < 65_536; value++) {
    const byte = bitmap[(value >> 3) - first] ?? 0;
    if (value === 0 || byte & (1 << (value & 7))) values[count++] = value;
  }
  return { values, count };
}
