import { createHash } from 'node:crypto';
import { MAX_PACKED_FILE_BYTES } from '../../shared/contracts/manifest.ts';
import type { HashedFile } from './local-file.ts';

/** What a pack has on average. */
const USUAL_BYTES = 4_194_304;
const MOST_BYTES = 16_777_216;
/** What a file adds beside its bytes, so that no pack has more than some thousand of them. */
const COST_BYTES = 1_024;

export interface Grouped {
  /** Each has two files or more, in the order of their paths. */
  packs: HashedFile[][];
  /** Those that are objects of their own. */
  single: HashedFile[];
}

/**
 * Puts small files together. Where a pack ends depends on the path (and roughly the size) of its last file alone: a file
 * that was changed, added or removed changes the pack that it is in, at most the next one, and no other, so that the
 * rest need not be uploaded again.
 * @param files each content once
 */
export function groupPacks(files: readonly HashedFile[]): Grouped {
  const small = files
    .filter(({ size }) => size <= MAX_PACKED_FILE_BYTES)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const groups: HashedFile[][] = [];
  let group: HashedFile[] = [];
  let bytes = 0;
  for (const file of small) {
    const cost = file.size + COST_BYTES;
    if (bytes + cost > MOST_BYTES) {
      groups.push(group);
      [group, bytes] = [[], 0];
    }
    group.push(file);
    bytes += cost;
    if (chanceOf(file.path) < cost / USUAL_BYTES) {
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

/** From 0 to 1, always the same for a path. */
function chanceOf(path: string): number {
  return createHash('sha256').update(path).digest().readUInt32BE(0) / 2 ** 32;
}
