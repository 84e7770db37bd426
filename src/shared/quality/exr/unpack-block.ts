import { inflateSync } from 'node:zlib';
import { unpackB44 } from './b44.ts';
import { ExrError, type ExrChannel } from './exr-header.ts';
import { unpackPiz } from './piz.ts';

/** A channel within a block of pixels: how many samples of it stand in each of its lines. */
export interface BlockChannel extends ExrChannel {
  columns: number;
  rows: number;
}

/** A block of pixels as it is unpacked: line by line, in each line channel by channel, in each channel sample by sample. */
export interface Block {
  yMin: number;
  lines: number;
  channels: readonly BlockChannel[];
  /** Bytes of its pixels. */
  bytes: number;
}

/** Compressions that {@link unpackBlock} knows, as the header numbers them; DWAA and DWAB are not among them. */
export const UNPACKED_COMPRESSIONS = 8;

/**
 * Unpacks one block of an EXR file (openexr.com, "Technical Introduction" and the library's own source).
 * @throws ExrError when it does not give exactly its pixels
 */
export function unpackBlock(data: Buffer, compression: number, block: Block): Buffer {
  // A block that compression would not shrink is stored as it is.
  if (compression === 0 || data.length === block.bytes) {
    if (data.length !== block.bytes) throw wrongSize(data.length, block.bytes);
    return data;
  }
  try {
    if (compression === 1) return unshuffle(unpackRuns(data, block.bytes));
    if (compression === 2 || compression === 3) return unshuffle(inflate(data, block.bytes));
    if (compression === 4) return unpackPiz(data, block);
    if (compression === 5) return unpackPxr24(data, block);
    return unpackB44(data, block);
  } catch (error) {
    if (error instanceof ExrError) throw error;
    throw new ExrError('a chunk does not decompress', { cause: error });
  }
}

const wrongSize = (found: number, expected: number): ExrError =>
  new ExrError(`a chunk holds ${found} bytes instead of ${expected}`);

function inflate(data: Buffer, bytes: number): Buffer {
  let pixels: Buffer;
  try {
    pixels = inflateSync(data, { maxOutputLength: Math.max(bytes, 1) });
  } catch (error) {
    throw new ExrError('a chunk does not decompress', { cause: error });
  }
  if (pixels.length !== bytes) throw wrongSize(pixels.length, bytes);
  return pixels;
}

/** Runs: a count below zero means so many bytes as they are, else the next byte once more than the count. */
function unpackRuns(data: Buffer, bytes: number): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let to = 0;
  for (let at = 0; at < data.length;) {
    const count = data.readInt8(at++);
    const length = count < 0 ? -count : count + 1;
    const taken = count < 0 ? length : 1;
    if (to + length > bytes || at + taken > data.length) throw new ExrError('a chunk does not decompress');
    if (count < 0) data.copy(out, to, at, at + length);
    else out.fill(data[at] ?? 0, to, to + length);
    at += taken;
    to += length;
  }
  if (to !== bytes) throw wrongSize(to, bytes);
  return out;
}

/** Undoes what RLE and ZIP do first: differences of bytes, the even ones in the first half and the odd ones in the second. */
function unshuffle(bytes: Buffer): Buffer {
  const { length } = bytes;
  const out = Buffer.allocUnsafe(length);
  const half = (length + 1) >> 1;
  let sum = bytes[0] ?? 0;
  out[0] = sum;
  let to = 2;
  for (let i = 1; i < half; i++, to += 2) out[to] = sum = (sum + (bytes[i] ?? 0) - 128) & 255;
  to = 1;
  for (let i = half; i < length; i++, to += 2) out[to] = sum = (sum + (bytes[i] ?? 0) - 128) & 255;
  return out;
}

/** Differences of samples, their bytes apart, the highest first; floats have lost their lowest byte. */
function unpackPxr24(data: Buffer, block: Block): Buffer {
  const stored = { uint: 4, half: 2, float: 3 } as const;
  const perLine = (one: BlockChannel): number => one.columns * stored[one.type];
  const total = block.channels.reduce((sum, one) => sum + perLine(one) * one.rows, 0);
  const planes = inflate(data, total);
  const out = Buffer.allocUnsafe(block.bytes);
  let from = 0;
  let to = 0;
  for (let y = block.yMin; y < block.yMin + block.lines; y++) {
    for (const { type, columns, ySampling } of block.channels) {
      if (y % ySampling !== 0) continue;
      const [bytes, shift] = [stored[type], type === 'float' ? 8 : 0];
      let sum = 0;
      for (let x = 0; x < columns; x++) {
        let difference = 0;
        for (let b = 0; b < bytes; b++)
          difference = (difference << 8) | (planes[from + b * columns + x] ?? 0);
        sum = (sum + (difference << shift)) | 0;
        if (type === 'half') to = out.writeUInt16LE(sum & 0xffff, to);
        else to = out.writeUInt32LE(sum >>> 0, to);
      }
      from += columns * bytes;
    }
  }
  return out;
}
