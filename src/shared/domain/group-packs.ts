import { MAX_PACKED_FILE_BYTES } from '../contracts/manifest.ts';

/** What a pack has on average. */
const USUAL_BYTES = 4_194_304;
const MOST_BYTES = 16_777_216;
/** What a file adds beside its bytes, so that no pack has more than some thousand of them. */
const COST_BYTES = 1_024;

interface SizedFile {
  path: string;
  size: number;
}

export interface Grouped<T> {
  /** Each has two files or more, in the order of their paths. */
  packs: T[][];
  /** Those that are objects of their own. */
  single: T[];
}

/**
 * Puts small files together. Where a pack ends depends on the path (and roughly the size) of its last file alone: a file
 * that was changed, added or removed changes the pack that it is in, at most the next one, and no other, so that the
 * rest need not be uploaded again.
 * @param files each content once
 * @param startOfHash the first four bytes of the SHA-256 of a path, as a number
 */
export function groupPacks<T extends SizedFile>(
  files: readonly T[],
  startOfHash: (path: string) => number,
): Grouped<T> {
  const small = files
    .filter(({ size }) => size <= MAX_PACKED_FILE_BYTES)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const groups: T[][] = [];
  let group: T[] = [];
  let bytes = 0;
  for (const file of small) {
    const cost = file.size + COST_BYTES;
    if (bytes + cost > MOST_BYTES) {
      groups.push(group);
      [group, bytes] = [[], 0];
    }
    group.push(file);
    bytes += cost;
    if (startOfHash(file.path) / 2 ** 32 < cost / USUAL_BYTES) {
      groups.push(group);
      [group, bytes] = [[], 0];
    }
  }
  groups.push(group);
  return {
    packs: groups.filter((each) => each.length > 1),
    single: [
      ...files.filter(({ size }) => size > MAX_PACKED_FILE_BYTES),
      ...groups.filter((each) => each.length === 1).flat(),
    ],
  };
}
