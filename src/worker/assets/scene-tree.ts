import { constants } from 'node:fs';
import { copyFile, link, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';
import {
  assetManifestSchema,
  MAX_MANIFEST_BYTES,
  type AssetManifest,
} from '../../shared/contracts/manifest.ts';
import type { SceneRef } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { EngineFailure } from '../engines/engine.ts';
import type { FileCache } from './file-cache.ts';

const FETCH_AT_ONCE = 8;

/** An asset's files under their own names, for one session. */
export interface SceneTree {
  /** The file that the reference names. */
  scenePath: string;
  /** The folder that the whole asset lies in. */
  root: string;
  /** Removes the tree and lets the cache have its files back. */
  dispose: () => Promise<void>;
}

/**
 * Lays an asset out as a folder. The files are hard links to the cache's own, which are read-only (0444): no bytes are
 * copied however large the scene, and what an engine writes beside the scene stays in this folder. An engine that runs
 * as root and changes a file in place does reach the cache; the cache sees that by size and time and fetches it again.
 * @param folder does not exist yet
 * @throws EngineFailure `missing-asset`; the signal's reason
 */
export async function layOutScene(
  ref: SceneRef,
  folder: string,
  cache: FileCache,
  signal: AbortSignal,
): Promise<SceneTree> {
  const held: string[] = [];
  const dispose = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    for (const sha256 of held.splice(0)) await cache.release(sha256);
  };
  const hold = async (sha256: string, what: string): Promise<void> => {
    await cache.acquire(sha256, what, signal);
    held.push(sha256);
  };
  try {
    await hold(ref.asset, `The asset ${ref.asset.slice(0, 12)}…`);
    const manifest = await readManifest(cache.pathOf(ref.asset), ref.asset);
    if (!manifest.files.some((file) => file.path === ref.path))
      throw new EngineFailure(
        'missing-asset',
        `The asset ${ref.asset.slice(0, 12)}… has no file "${ref.path}".`,
      );
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const open = [...manifest.files];
    const fetchNext = async (): Promise<void> => {
      for (let file = open.pop(); file; file = open.pop()) {
        await hold(file.sha256, `The scene's file "${file.path}"`);
        try {
          await place(cache.pathOf(file.sha256), join(folder, file.path));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          // Another worker on the same folder made room for its own files just now.
          await hold(file.sha256, `The scene's file "${file.path}"`);
          await place(cache.pathOf(file.sha256), join(folder, file.path));
        }
      }
    };
    await settleAll(Array.from({ length: FETCH_AT_ONCE }, fetchNext));
    cache.noteAsset(ref.asset);
    return { scenePath: join(folder, ref.path), root: folder, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function readManifest(path: string, asset: string): Promise<AssetManifest> {
  const what = `The manifest of asset ${asset.slice(0, 12)}…`;
  try {
    const value = decodeJson(await readFile(path), { what, maxBytes: MAX_MANIFEST_BYTES });
    return parseWith(assetManifestSchema, value, what);
  } catch (error) {
    throw new EngineFailure('missing-asset', messageOf(error), { cause: error });
  }
}

async function place(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  try {
    await link(source, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // File systems without hard links, or a file that has as many as it can have.
    if (code !== 'EPERM' && code !== 'EMLINK' && code !== 'EXDEV' && code !== 'ENOTSUP') throw error;
    await copyFile(source, target, constants.COPYFILE_FICLONE);
  }
}

/** Waits for all before it throws the first error: nothing may still be written when the caller cleans up. */
async function settleAll(work: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
