import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, createZstdDecompress, zstdDecompress } from 'node:zlib';

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const SEEK_TABLE_MAGIC = 0x8f92eab1;
const MAX_FRAME_BYTES = 256 * 1024 * 1024;
const unpackFrame = promisify(zstdDecompress);

/** A file's bytes in order, uncompressed on the way (gzip, Zstandard), with little of it in memory. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #limit: number;
  #rest: Buffer = Buffer.alloc(0);
  #seen = 0;

  /** @param limit bytes after which reading is given up: a small file may unpack to a huge one */
  static async open(path: string, limit: number): Promise<ByteSource> {
    return new ByteSource(await unpacked(path), limit);
  }

  private constructor(chunks: AsyncIterable<Buffer>, limit: number) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#limit = limit;
  }

  /** @returns exactly `length` bytes. @throws RangeError when the file ends before */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.#some(missing);
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** Passes over `length` bytes. @throws RangeError when the file ends before */
  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0;) missing -= (await this.#some(missing)).length;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** At least one and at most `most` bytes. */
  async #some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) throw new RangeError('the file ends in the middle of something');
      this.#rest = next.value;
      this.#seen += next.value.length;
      if (this.#seen > this.#limit) throw new RangeError(`it holds more than ${this.#limit} bytes`);
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}

async function unpacked(path: string): Promise<AsyncIterable<Buffer>> {
  const file = await open(path);
  try {
    const start = await readAt(file, 0, 4);
    if (start.subarray(0, 2).equals(GZIP)) return through(path, createGunzip());
    if (!start.equals(ZSTD)) return createReadStream(path, { highWaterMark: 1 << 20 });
    const frames = await seekTable(file);
    return frames ? zstdFrames(path, frames) : through(path, createZstdDecompress());
  } finally {
    await file.close();
  }
}

function through(path: string, unpacker: Transform): Readable {
  // Whoever reads the second stream gets the first one's error too.
  return pipeline(createReadStream(path), unpacker, () => undefined);
}

interface ZstdFrame {
  packed: number;
  size: number;
}

/**
 * Blender writes many Zstandard frames, of which Node's stream unpacks the first only, and a table of them at the end
 * (zstd's contrib/seekable_format: entries of two u32, then their number, a byte of flags, a magic number).
 */
async function seekTable(file: FileHandle): Promise<ZstdFrame[] | null> {
  const { size } = await file.stat();
  if (size < 17) return null;
  const footer = await readAt(file, size - 9, 9);
  if (footer.length < 9 || footer.readUInt32LE(5) !== SEEK_TABLE_MAGIC) return null;
  const count = footer.readUInt32LE(0);
  const entrySize = (footer.readUInt8(4) & 0x80) === 0 ? 8 : 12;
  if (count * entrySize + 17 > size) throw new RangeError('its table of compressed frames is damaged');
  const table = await readAt(file, size - 9 - count * entrySize, count * entrySize);
  return Array.from({ length: count }, (_, i) => ({
    packed: table.readUInt32LE(i * entrySize),
    size: table.readUInt32LE(i * entrySize + 4),
  }));
}

async function* zstdFrames(path: string, frames: readonly ZstdFrame[]): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    let at = 0;
    for (const { packed, size } of frames) {
      if (packed > MAX_FRAME_BYTES || size > MAX_FRAME_BYTES)
        throw new RangeError('a compressed frame is too large');
      yield await unpackFrame(await readAt(file, at, packed), { maxOutputLength: Math.max(1, size) });
      at += packed;
    }
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}
