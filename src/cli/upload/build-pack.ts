import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import type { PackedPlace } from '../../shared/contracts/manifest.ts';
import { changedFile, type HashCache } from './hash-files.ts';
import type { HashedFile } from './local-file.ts';
import type { RecordFile } from './record-file.ts';

const WORTH_COMPRESSING_BYTES = 1_024;
/** Text shrinks to a third; pictures do not shrink, and are stored as they are. */
const WORTH_KEEPING = 0.9;
/** What the manifest's contract takes as no archive bomb, with room to spare. */
const MOST_RATIO = 150;
/** Another one when a pack of the same files would get other bytes; each zstd compresses in its own way. */
const FORMAT = `pack-1 zstd-${process.versions.zstd}`;

/** What a pack holds: its hash, and each file's stored size, negative for one that is compressed. */
export interface PackOutline {
  sha256: string;
  size: number;
  stored: number[];
}

/** Packs that were built before, by what is in them. */
export type PackCache = RecordFile<PackOutline>;

export function parseOutline(value: unknown): PackOutline | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { sha256, size, stored } = value as Partial<PackOutline>;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  if (typeof size !== 'number' || !Array.isArray(stored) || !stored.every(Number.isSafeInteger))
    return undefined;
  const sum = stored.reduce((total, bytes) => total + Math.abs(bytes), 0);
  return sum === size ? { sha256, size, stored } : undefined;
}

/**
 * The files' bytes, one after the other.
 * @throws UsageError when a file is no longer what it was when it was hashed
 */
export function buildPack(
  files: readonly HashedFile[],
  hashes: HashCache,
): { bytes: Buffer; outline: PackOutline } {
  const pieces: Buffer[] = [];
  const stored = files.map((file) => {
    const { piece, compressed } = encode(readAgain(file, hashes));
    pieces.push(piece);
    return compressed ? -piece.byteLength : piece.byteLength;
  });
  const bytes = Buffer.concat(pieces);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { bytes, outline: { sha256, size: bytes.byteLength, stored } };
}

/** By what is in a pack its outline is found again. */
export function contentKey(files: readonly HashedFile[]): string {
  const hash = createHash('sha256').update(FORMAT);
  for (const { sha256 } of files) hash.update(sha256);
  return hash.digest('hex');
}

/** Where each file lies, in the order of the files. */
export function placesIn({ sha256, stored }: PackOutline): PackedPlace[] {
  let end = 0;
  return stored.map((bytes) => {
    const size = Math.abs(bytes);
    const offset = end;
    end += size;
    return bytes < 0 ? { sha256, offset, size, encoding: 'zstd' as const } : { sha256, offset, size };
  });
}

function readAgain(file: HashedFile, hashes: HashCache): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file.file);
  } catch (error) {
    throw Object.assign(changedFile(file, hashes), { cause: error });
  }
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw changedFile(file, hashes);
  return bytes;
}

function encode(bytes: Buffer): { piece: Buffer; compressed: boolean } {
  if (bytes.byteLength < WORTH_COMPRESSING_BYTES) return { piece: bytes, compressed: false };
  const piece = zstdCompressSync(bytes);
  const compressed =
    piece.byteLength <= bytes.byteLength * WORTH_KEEPING && bytes.byteLength <= piece.byteLength * MOST_RATIO;
  return compressed ? { piece, compressed } : { piece: bytes, compressed };
}
