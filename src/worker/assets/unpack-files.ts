import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import type { ManifestFile, PackedPlace } from '../../shared/contracts/manifest.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { EngineFailure } from '../engines/engine.ts';
import { placeError, placeFile } from './place-file.ts';
import { settleAll } from './settle-all.ts';

const FILES_AT_ONCE = 16;
const NEW_READ_ONLY = { flag: 'wx', mode: 0o444 };

export type PackedFile = ManifestFile & { pack: PackedPlace };

/**
 * Writes the files of one pack to their places. Each is held against its own size and hash: what a pack holds is believed
 * of nobody. One content is written once, and linked where it is wanted again.
 * @throws EngineFailure `missing-asset`; the signal's reason
 */
export async function unpackFiles(
  pack: Buffer,
  files: readonly PackedFile[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const parents = new Set(files.map(({ path }) => dirname(path)));
  for (const parent of parents) await atPlace(parent, mkdirFor(join(folder, parent)));
  const first = new Map<string, PackedFile>();
  for (const file of files) if (!first.has(file.sha256)) first.set(file.sha256, file);
  await eachOf([...first.values()], signal, async (file) => {
    await atPlace(file.path, writeFile(join(folder, file.path), unpack(pack, file), NEW_READ_ONLY));
  });
  const again = files.filter((file) => first.get(file.sha256) !== file);
  await eachOf(again, signal, async (file) => {
    const source = join(folder, first.get(file.sha256)?.path ?? '');
    await atPlace(file.path, placeFile(source, join(folder, file.path)));
  });
}

/** A few at a time: a file system makes several files in the time of one. */
async function eachOf(
  files: readonly PackedFile[],
  signal: AbortSignal,
  work: (file: PackedFile) => Promise<void>,
): Promise<void> {
  await settleAll(files, FILES_AT_ONCE, async (file) => {
    signal.throwIfAborted();
    await work(file);
  });
}

async function atPlace(path: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw placeError(error, path);
  }
}

async function mkdirFor(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Never more than the size that the manifest says, whatever the packed bytes would become. */
function unpack(pack: Buffer, { path, size, sha256, pack: place }: PackedFile): Buffer {
  const stored = pack.subarray(place.offset, place.offset + place.size);
  const bytes = place.encoding === undefined ? stored : decompress(stored, size, path);
  if (bytes.byteLength !== size)
    throw unusable(path, `it has ${bytes.byteLength} bytes in its pack, and the asset says ${size}`);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) throw unusable(path, `its SHA-256 in its pack is ${found}`);
  return bytes;
}

function decompress(stored: Buffer, size: number, path: string): Buffer {
  try {
    return zstdDecompressSync(stored, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ERR_BUFFER_TOO_LARGE'
        ? `it unpacks to more than the ${size} bytes that the asset says`
        : `it cannot be unpacked: ${messageOf(error)}`;
    throw new EngineFailure('missing-asset', sentence(path, why), { cause: error });
  }
}

function unusable(path: string, why: string): EngineFailure {
  return new EngineFailure('missing-asset', sentence(path, why));
}

function sentence(path: string, why: string): string {
  return `The scene's file ${JSON.stringify(path)} cannot be used: ${why}. Submit the scene again.`;
}
