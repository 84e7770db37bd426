import { sha256 } from '@noble/hashes/sha2.js';
import type { ManifestFile } from '../../../../src/shared/contracts/manifest.ts';
import { groupPacks } from '../../../../src/shared/domain/group-packs.ts';
import { hashBlob, type HashedFile } from './hash-files.ts';

/** An object that the farm is to have: a large file, or a pack of small ones. */
export interface Parcel {
  sha256: string;
  size: number;
  bytes: Blob;
  /** What people know it by. */
  label: string;
  parts: readonly string[];
}

/**
 * Decides what travels together. A browser compresses no pack: of the same files, the command line makes others.
 * @returns each object once, and the manifest's entry of every file
 * @throws ChangedFileError, the signal's reason
 */
export async function packFiles(
  files: readonly HashedFile[],
  signal: AbortSignal,
): Promise<{ parcels: Parcel[]; entries: ManifestFile[] }> {
  // Of equal files the first path decides, so that the same files make the same packs.
  const unique = [...new Map(files.toReversed().map((file) => [file.sha256, file])).values()];
  const { packs, single } = groupPacks(unique, startOfHash);
  const parcels: Parcel[] = single.map((file) => ({ ...file, bytes: file.file, label: file.path }));
  const places = new Map<string, NonNullable<ManifestFile['pack']>>();
  for (const members of packs) {
    const bytes = new Blob(members.map(({ file }) => file));
    const label = `${members.length} small files, from ${members[0]?.path ?? ''}`;
    const packSha256 = await hashBlob(bytes, label, signal);
    parcels.push({ sha256: packSha256, size: bytes.size, bytes, label, parts: [] });
    let offset = 0;
    for (const member of members) {
      places.set(member.sha256, { sha256: packSha256, offset, size: member.size });
      offset += member.size;
    }
  }
  const entries = files.map(({ path, size, sha256: hash }) => {
    const pack = places.get(hash);
    return { path, size, sha256: hash, ...(pack && { pack }) };
  });
  return { parcels, entries };
}

function startOfHash(path: string): number {
  const hash = sha256(new TextEncoder().encode(path));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
}
