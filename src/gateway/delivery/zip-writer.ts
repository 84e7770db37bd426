import { crc32 } from 'node:zlib';

/** One file of an archive; its size is known before its bytes are. */
export interface ZipEntry {
  name: string;
  bytes: number;
  content: AsyncIterable<Uint8Array>;
}

const LOCAL_HEADER = 0x04034b50;
const DATA_DESCRIPTOR = 0x08074b50;
const CENTRAL_HEADER = 0x02014b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END = 0x06054b50;
/** Fields of four and two bytes that say "look into the ZIP64 fields". */
const IN_ZIP64 = 0xffffffff;
const IN_ZIP64_SHORT = 0xffff;
const VERSION = 20;
const VERSION_ZIP64 = 45;
/** Checksum and sizes follow the bytes (3), the name is UTF-8 (11). */
const FLAGS = (1 << 3) | (1 << 11);
const STORED = 0;
/** A regular file, readable for all, as Unix has it. */
const MADE_BY_UNIX = 3 << 8;
const ATTRIBUTES = (0o100644 << 16) >>> 0;
/** Files whose entries lie in one buffer. */
const DIRECTORY_PIECE = 500;

/**
 * A zip archive of files as they are, in pieces: pictures and videos are compressed already. ZIP64 where a size, an offset
 * or the number of files asks for it. What is kept meanwhile is the directory, about a hundred bytes a file.
 * Source: PKWARE APPNOTE 6.3.10.
 * @param at the files' time
 * @throws Error when a content has another size than was said; the archive is then unusable and must not be ended
 */
export async function* zipArchive(
  entries: AsyncIterable<ZipEntry>,
  at: Date,
): AsyncGenerator<Uint8Array, void, undefined> {
  const time = dosTime(at);
  const directory: Buffer[] = [];
  let recent: Buffer[] = [];
  let offset = 0;
  let files = 0;
  for await (const { name, bytes, content } of entries) {
    const encoded = Buffer.from(name, 'utf8');
    const header = localHeader(encoded, bytes, time);
    yield header;
    let crc = 0;
    let got = 0;
    for await (const chunk of content) {
      got += chunk.byteLength;
      if (got > bytes) break;
      crc = crc32(chunk, crc);
      yield chunk;
    }
    if (got !== bytes)
      throw new Error(`${name} has ${got > bytes ? 'more than' : got} of its ${bytes} bytes`);
    const descriptor = dataDescriptor(crc, bytes);
    yield descriptor;
    recent.push(centralHeader({ name: encoded, bytes, crc, offset, time }));
    offset += header.byteLength + bytes + descriptor.byteLength;
    files++;
    if (recent.length < DIRECTORY_PIECE) continue;
    directory.push(Buffer.concat(recent));
    recent = [];
  }
  directory.push(Buffer.concat(recent));
  yield* directory;
  const bytes = directory.reduce((sum, piece) => sum + piece.byteLength, 0);
  yield endOfArchive(files, bytes, offset);
}

const needsZip64 = (n: number): boolean => n >= IN_ZIP64;

function localHeader(name: Buffer, bytes: number, time: DosTime): Buffer {
  const large = needsZip64(bytes);
  // Present, although its sizes are said after the bytes, it makes them there eight bytes long.
  const extra = large ? zip64Extra([0, 0]) : Buffer.alloc(0);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL_HEADER, 0);
  header.writeUInt16LE(large ? VERSION_ZIP64 : VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(STORED, 8);
  header.writeUInt16LE(time.time, 10);
  header.writeUInt16LE(time.date, 12);
  header.writeUInt32LE(large ? IN_ZIP64 : 0, 18);
  header.writeUInt32LE(large ? IN_ZIP64 : 0, 22);
  header.writeUInt16LE(name.byteLength, 26);
  header.writeUInt16LE(extra.byteLength, 28);
  return Buffer.concat([header, name, extra]);
}

function dataDescriptor(crc: number, bytes: number): Buffer {
  const large = needsZip64(bytes);
  const descriptor = Buffer.alloc(large ? 24 : 16);
  descriptor.writeUInt32LE(DATA_DESCRIPTOR, 0);
  descriptor.writeUInt32LE(crc, 4);
  if (large) {
    descriptor.writeBigUInt64LE(BigInt(bytes), 8);
    descriptor.writeBigUInt64LE(BigInt(bytes), 16);
  } else {
    descriptor.writeUInt32LE(bytes, 8);
    descriptor.writeUInt32LE(bytes, 12);
  }
  return descriptor;
}

function centralHeader(file: {
  name: Buffer;
  bytes: number;
  crc: number;
  offset: number;
  time: DosTime;
}): Buffer {
  const { name, bytes, crc, offset, time } = file;
  const far = needsZip64(offset);
  const large = needsZip64(bytes);
  const extra =
    large || far ? zip64Extra([...(large ? [bytes, bytes] : []), ...(far ? [offset] : [])]) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  const version = large || far ? VERSION_ZIP64 : VERSION;
  header.writeUInt32LE(CENTRAL_HEADER, 0);
  header.writeUInt16LE(MADE_BY_UNIX | version, 4);
  header.writeUInt16LE(version, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt16LE(STORED, 10);
  header.writeUInt16LE(time.time, 12);
  header.writeUInt16LE(time.date, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(large ? IN_ZIP64 : bytes, 20);
  header.writeUInt32LE(large ? IN_ZIP64 : bytes, 24);
  header.writeUInt16LE(name.byteLength, 28);
  header.writeUInt16LE(extra.byteLength, 30);
  header.writeUInt32LE(ATTRIBUTES, 38);
  header.writeUInt32LE(far ? IN_ZIP64 : offset, 42);
  return Buffer.concat([header, name, extra]);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  for (const [index, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
  return extra;
}

function endOfArchive(files: number, bytes: number, offset: number): Buffer {
  const large = files >= IN_ZIP64_SHORT || needsZip64(bytes) || needsZip64(offset);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(Math.min(files, IN_ZIP64_SHORT), 8);
  end.writeUInt16LE(Math.min(files, IN_ZIP64_SHORT), 10);
  end.writeUInt32LE(Math.min(bytes, IN_ZIP64), 12);
  end.writeUInt32LE(Math.min(offset, IN_ZIP64), 16);
  if (!large) return end;
  const zip64 = Buffer.alloc(56);
  zip64.writeUInt32LE(ZIP64_END, 0);
  zip64.writeBigUInt64LE(44n, 4); // of what follows this field
  zip64.writeUInt16LE(MADE_BY_UNIX | VERSION_ZIP64, 12);
  zip64.writeUInt16LE(VERSION_ZIP64, 14);
  zip64.writeBigUInt64LE(BigInt(files), 24);
  zip64.writeBigUInt64LE(BigInt(files), 32);
  zip64.writeBigUInt64LE(BigInt(bytes), 40);
  zip64.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(ZIP64_LOCATOR, 0);
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([zip64, locator, end]);
}

interface DosTime {
  time: number;
  date: number;
}

/** Two-second steps from 1980 on, without a time zone: UTC here. */
function dosTime(at: Date): DosTime {
  const year = Math.min(2107, Math.max(1980, at.getUTCFullYear()));
  return {
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    date: ((year - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
  };
}
