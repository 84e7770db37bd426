import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { ExrError, parseExrHeaders, ZIP, ZIPS, type ExrHeaders, type ExrPart } from './exr-header.ts';

const MAX_HEADER_BYTES = 8_388_608;
const inflateAsync = promisify(inflate);

/**
 * Checks that an OpenEXR file is whole: magic number and version, every header attribute within the file, data window,
 * channels and compression sensible, a complete table of chunk offsets, and every chunk that the headers promise present,
 * in its part, inside the data window and complete to its last byte, no two overlapping. ZIP and ZIPS chunks are
 * decompressed and must give exactly their pixels (zlib's checksum covers them). What is inside chunks of other
 * compressions is not decoded.
 * @returns size of the display window in pixels
 * @throws ExrError
 */
export async function checkExrStructure(path: string): Promise<{ width: number; height: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const headers = parseExrHeaders(await readExactly(file, 0, Math.min(size, MAX_HEADER_BYTES)));
    await checkChunks(file, size, headers);
    const [first] = headers.parts;
    if (!first) throw new ExrError('it has no part');
    return { width: first.displayWidth, height: first.displayHeight };
  } finally {
    await file.close();
  }
}

async function checkChunks(file: FileHandle, size: number, headers: ExrHeaders): Promise<void> {
  const total = headers.parts.reduce((sum, part) => sum + part.chunks, 0);
  const tableEnd = headers.end + total * 8;
  if (tableEnd > size) throw new ExrError('its table of chunks is cut off');
  const table = await readExactly(file, headers.end, total * 8);
  const extents: [number, number][] = [];
  let entry = 0;
  for (const [index, part] of headers.parts.entries()) {
    for (let i = 0; i < part.chunks; i++, entry++) {
      const offset = Number(table.readBigUInt64LE(entry * 8));
      if (offset < tableEnd || offset >= size)
        throw new ExrError(`chunk ${entry + 1} of ${total} was not written`);
      extents.push([offset, await checkChunk(file, size, offset, part, headers.multipart ? index : null)]);
    }
  }
  extents.sort(([a], [b]) => a - b);
  extents.reduce((before, [start, end]) => {
    if (start < before) throw new ExrError('two of its chunks overlap');
    return end;
  }, tableEnd);
}

/** @returns where the chunk ends */
async function checkChunk(
  file: FileHandle,
  size: number,
  offset: number,
  part: ExrPart,
  partIndex: number | null,
): Promise<number> {
  const places = part.tiled ? 16 : 4;
  const headSize = (partIndex === null ? 0 : 4) + places + (part.deep ? 24 : 4);
  if (offset + headSize > size) throw new ExrError('its last chunk is cut off');
  const head = await readExactly(file, offset, headSize);
  let at = 0;
  if (partIndex !== null && head.readInt32LE((at += 4) - 4) !== partIndex)
    throw new ExrError('a chunk stands in the table of another part');
  const y = head.readInt32LE(at);
  if (!part.tiled && (y < part.yMin || y >= part.yMin + part.height))
    throw new ExrError(`line ${y} is outside of the picture`);
  at += places;
  const bytes = part.deep
    ? Number(head.readBigUInt64LE(at) + head.readBigUInt64LE(at + 8))
    : head.readInt32LE(at);
  const end = offset + headSize + bytes;
  if (bytes < 0 || end > size) throw new ExrError('it is cut off in the middle of a chunk');
  if (!part.deep && !part.tiled && (part.compression === ZIP || part.compression === ZIPS))
    await checkZip(await readExactly(file, offset + headSize, bytes), blockBytes(part, y));
  return end;
}

/** A block that compression would not shrink is stored as it is. */
async function checkZip(data: Buffer, pixelsBytes: number): Promise<void> {
  if (data.length === pixelsBytes) return;
  let length: number;
  try {
    length = (await inflateAsync(data, { maxOutputLength: Math.max(pixelsBytes, 1) })).length;
  } catch (error) {
    throw new ExrError('a chunk does not decompress', { cause: error });
  }
  if (length !== pixelsBytes) throw new ExrError(`a chunk holds ${length} bytes instead of ${pixelsBytes}`);
}

/** Bytes of the pixels of the block of lines that begins at `y`. */
function blockBytes(part: ExrPart, y: number): number {
  const lastLine = Math.min(y + part.linesPerBlock, part.yMin + part.height) - 1;
  const samples = (first: number, last: number, by: number): number =>
    Math.floor(last / by) - Math.ceil(first / by) + 1;
  return part.channels.reduce((sum, { bytes, xSampling, ySampling }) => {
    const columns = samples(part.xMin, part.xMin + part.width - 1, xSampling);
    return sum + columns * samples(y, lastLine, ySampling) * bytes;
  }, 0);
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new ExrError('it is shorter than its headers say');
  return buffer;
}
