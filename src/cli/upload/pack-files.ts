import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { ManifestFile, PackedPlace } from '../../shared/contracts/manifest.ts';
import { groupPacks } from '../../shared/domain/group-packs.ts';
import { UsageError } from '../support/exit-codes.ts';
import { buildPack, contentKey, placesIn, type PackCache, type PackOutline } from './build-pack.ts';
import type { HashCache } from './hash-files.ts';
import type { HashedFile } from './local-file.ts';

/** Packs that were just built stay in memory until they are sent, as long as they fit; others are built again. */
const KEPT_BYTES = 67_108_864;

/** An object that the farm is to have. */
export type Parcel =
  | { sha256: string; size: number; file: HashedFile }
  | { sha256: string; size: number; files: readonly HashedFile[]; bytes: () => Buffer };

export interface Packed {
  parcels: Parcel[];
  /** The manifest's entry of each file. */
  entries: ManifestFile[];
}

interface PackTools {
  hashes: HashCache;
  packs: PackCache;
  signal: AbortSignal;
}

/**
 * Decides what travels together, and finds out what each pack hashes to; a pack that was built before is not built again.
 * @throws UsageError when a file is no longer what it was when it was hashed
 */
export async function packFiles(files: readonly HashedFile[], tools: PackTools): Promise<Packed> {
  // The first path of a content decides, so that the same files make the same packs.
  const byPath = files.toSorted((a, b) => (a.path < b.path ? -1 : 1)).toReversed();
  const unique = [...new Map(byPath.map((file) => [file.sha256, file])).values()];
  const { packs, single } = groupPacks(unique, startOfHash);
  const parcels: Parcel[] = single.map((file) => ({ sha256: file.sha256, size: file.size, file }));
  const places = new Map<string, PackedPlace>();
  const kept = { bytes: 0 };
  for (const members of packs) {
    await turn();
    tools.signal.throwIfAborted();
    const { outline, bytes } = outlineOf(members, tools, kept);
    parcels.push({ sha256: outline.sha256, size: outline.size, files: members, bytes });
    for (const [index, place] of placesIn(outline).entries()) places.set(members[index]?.sha256 ?? '', place);
  }
  const entries = files.map(({ path, size, sha256 }) => {
    const pack = places.get(sha256);
    return { path, size, sha256, ...(pack && { pack }) };
  });
  return { parcels, entries };
}

function outlineOf(
  members: readonly HashedFile[],
  { hashes, packs }: PackTools,
  kept: { bytes: number },
): { outline: PackOutline; bytes: () => Buffer } {
  const key = contentKey(members);
  const buildAgain = (expected: PackOutline): Buffer => {
    const { bytes, outline } = buildPack(members, hashes);
    if (outline.sha256 === expected.sha256) return bytes;
    packs.forget(key);
    throw new UsageError(
      `A pack of ${members.length} files, with ${members[0]?.path ?? ''}, is not what was remembered of it; submit it again.`,
    );
  };
  const known = packs.get(key);
  if (known?.stored.length === members.length) return { outline: known, bytes: () => buildAgain(known) };
  const { outline, bytes } = buildPack(members, hashes);
  packs.set(key, outline);
  kept.bytes += outline.size;
  return { outline, bytes: kept.bytes > KEPT_BYTES ? () => buildAgain(outline) : () => bytes };
}

const startOfHash = (path: string): number => createHash('sha256').update(path).digest().readUInt32BE(0);
