import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';
import {
  assetManifestSchema,
  MAX_MANIFEST_BYTES,
  objectsOf,
  type AssetManifest,
  type ManifestFile,
} from '../../shared/contracts/manifest.ts';
import type { AssetFile } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { EngineFailure } from '../engines/engine.ts';
import type { FileCache } from './file-cache.ts';
import type { WantedFile } from './file-fetcher.ts';
import { placeError, placeFile } from './place-file.ts';
import { settleAll } from './settle-all.ts';
import { unpackFiles, type PackedFile } from './unpack-files.ts';

/** Each waits for the disk to have its bytes for good; a disk does that for many in the time of one. */
const FETCH_AT_ONCE = 16;
const PLACE_AT_ONCE = 8;

/** An asset's files under their own names, for one session. */
export interface SceneTree {
  /** The file that the reference names. */
  scenePath: string;
  /** The folder that the whole asset lies in. */
  root: string;
  /** Absolute paths in the scene that lie in this folder mean files of the tree; null: it has none. */
  origin: string | null;
  /** Removes the tree and lets the cache have its files back. */
  dispose: () => Promise<void>;
}

/**
 * Lays an asset out as a folder. Files are hard links to the cache's own, which are read-only (0444): no bytes are
 * copied however large the scene, and what an engine writes beside the scene stays in this folder. An engine that runs
 * as root and changes a file in place does reach the cache; the cache sees that by size and time and fetches it again.
 * Small files are written out of their packs.
 * @param folder does not exist yet
 * @throws EngineFailure `missing-asset`; the signal's reason
 */
export async function layOutScene(
  ref: AssetFile,
  folder: string,
  cache: FileCache,
  signal: AbortSignal,
): Promise<SceneTree> {
  const scene = await fetchScene(ref, cache, signal);
  const dispose = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await scene.release();
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const open = scene.manifest.files.filter((file) => file.pack === undefined);
    await settleAll(open, PLACE_AT_ONCE, (file) => place(file, folder, scene));
    // One after the other: each pack is in memory while it is unpacked.
    for (const [sha256, files] of packsOf(scene.manifest))
      await unpackFiles(await readPack(sha256, files, scene), files, folder, signal);
    cache.noteAsset(ref.asset);
    const origin = scene.manifest.origin ?? null;
    return { root: folder, scenePath: join(folder, ref.path), origin, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** An asset's objects, kept in the cache until `release`. */
interface FetchedScene {
  manifest: AssetManifest;
  cache: FileCache;
  /** Once more, when another worker on the same folder made room for its own files just now. */
  fetchAgain: (file: ManifestFile) => Promise<void>;
  release: () => Promise<void>;
}

/**
 * Brings everything that a scene needs into the cache.
 * @throws EngineFailure `missing-asset`; the signal's reason
 */
export async function fetchScene(
  ref: AssetFile,
  cache: FileCache,
  signal: AbortSignal,
): Promise<FetchedScene> {
  const held: string[] = [];
  const release = async (): Promise<void> => {
    for (const sha256 of held.splice(0)) await cache.release(sha256);
  };
  const hold = async (wanted: WantedFile): Promise<void> => {
    await cache.acquire(wanted, signal);
    held.push(wanted.sha256);
  };
  try {
    const size = { leastBytes: 1, mostBytes: MAX_MANIFEST_BYTES };
    const wantedManifest = { sha256: ref.asset, what: `The asset ${ref.asset.slice(0, 12)}…`, size };
    await hold(wantedManifest);
    const bytes = await orAgain(
      () => readFile(cache.pathOf(ref.asset)),
      () => hold(wantedManifest),
    );
    const manifest = parseManifest(bytes, ref.asset);
    if (!manifest.files.some((file) => file.path === ref.path))
      throw new EngineFailure(
        'missing-asset',
        `The asset ${ref.asset.slice(0, 12)}… has no file "${ref.path}".`,
      );
    await settleAll(wantedFiles(manifest), FETCH_AT_ONCE, hold);
    const fetchAgain = async (file: ManifestFile): Promise<void> => {
      const [wanted] = wantedFiles({ version: 1, files: [file] });
      if (wanted) await hold(wanted);
    };
    return { manifest, cache, fetchAgain, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** The objects that hold a manifest's files, by the name of one of them. */
function wantedFiles(manifest: AssetManifest): WantedFile[] {
  const names = new Map(manifest.files.map(({ path, sha256, pack }) => [pack?.sha256 ?? sha256, path]));
  return objectsOf(manifest).map(({ sha256, leastBytes, mostBytes }) => {
    const kind = leastBytes === mostBytes ? "The scene's file" : 'The pack of';
    const what = `${kind} "${names.get(sha256) ?? ''}"`;
    return { sha256, what, size: { leastBytes, mostBytes } };
  });
}

async function place(file: ManifestFile, folder: string, scene: FetchedScene): Promise<void> {
  const [source, target] = [scene.cache.pathOf(file.sha256), join(folder, file.path)];
  try {
    await orAgain(
      () => placeFile(source, target),
      () => scene.fetchAgain(file),
    );
  } catch (error) {
    throw placeError(error, file.path);
  }
}

async function readPack(
  sha256: string,
  files: readonly PackedFile[],
  { cache, fetchAgain }: FetchedScene,
): Promise<Buffer> {
  return await orAgain(
    () => readFile(cache.pathOf(sha256)),
    async () => {
      for (const file of files.slice(0, 1)) await fetchAgain(file);
    },
  );
}

/** Uses a cached file; once more, after it was fetched again, when another worker on the same folder removed it. */
async function orAgain<T>(use: () => Promise<T>, fetchAgain: () => Promise<void>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await fetchAgain();
    return await use();
  }
}

function packsOf({ files }: AssetManifest): Map<string, PackedFile[]> {
  const packs = new Map<string, PackedFile[]>();
  for (const file of files) {
    if (file.pack === undefined) continue;
    const members = packs.get(file.pack.sha256) ?? [];
    members.push({ ...file, pack: file.pack });
    packs.set(file.pack.sha256, members);
  }
  return packs;
}

function parseManifest(bytes: Buffer, asset: string): AssetManifest {
  const what = `The manifest of asset ${asset.slice(0, 12)}…`;
  try {
    const value = decodeJson(bytes, { what, maxBytes: MAX_MANIFEST_BYTES });
    return parseWith(assetManifestSchema, value, what);
  } catch (error) {
    throw new EngineFailure('missing-asset', messageOf(error), { cause: error });
  }
}
