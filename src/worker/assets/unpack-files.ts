import { createHash } from 'node:crypto';
import { copyFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import type { ManifestFile, PackedPlace } from '../../shared/contracts/manifest.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { EngineFailure } from '../engines/engine.ts';
import { isLinkingImpossible, placeError } from './place-file.ts';

/** Heartbeats and other slots wait for so many small files. */
const FILES_A_TURN = 64;

export type PackedFile = ManifestFile & { pack: PackedPlace };

/**
 * Writes the files of one pack to their places. Each is held against its own size and hash: what a pack holds is believed
 * of nobody. One content is written once, and linked where it is wanted again.
 * @throws EngineFailure `missing-asset`; the signal's reason
 */
export async function unpackFiles(
  packPath: string,
  files: readonly PackedFile[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const pack = await readFile(packPath);
  const written = new Map<string, string>();
  const folders = new Set<string>();
  for (const [index, file] of files.entries()) {
    if (index % FILES_A_TURN === 0) await turn();
    signal.throwIfAborted();
    const target = join(folder, file.path);
    try {
      const parent = dirname(target);
      if (!folders.has(parent)) mkdirSync(parent, { recursive: true, mode: 0o700 });
      folders.add(parent);
      const same = written.get(file.sha256);
      if (same === undefined) writeFileSync(target, unpack(pack, file), { flag: 'wx', mode: 0o444 });
      else linkAgain(same, target);
    } catch (error) {
      throw placeError(error, file.path);
    }
    written.set(file.sha256, target);
  }
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

function linkAgain(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    if (!isLinkingImpossible(error)) throw error;
    copyFileSync(source, target);
  }
}

function unusable(path: string, why: string): EngineFailure {
  return new EngineFailure('missing-asset', sentence(path, why));
}

function sentence(path: string, why: string): string {
  return `The scene's file ${JSON.stringify(path)} cannot be used: ${why}. Submit the scene again.`;
}
