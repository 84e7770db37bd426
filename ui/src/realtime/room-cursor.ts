import type { RoomPlace } from '../../../src/shared/contracts/realtime.ts';

export type PatchVerdict = 'apply' | 'drop' | 'rejoin';

/**
 * What to do with a patch. Older ones than what is here are dropped (they are in it); a gap, another epoch or a plea to
 * resync means that this client no longer knows the truth and must join again.
 */
export function judgePatch(
  place: RoomPlace,
  patch: { epoch: string; from: number; seq: number; resync?: true },
): PatchVerdict {
  if (patch.epoch !== place.epoch) return 'rejoin';
  if (patch.seq <= place.seq) return 'drop';
  // What it tells again changes nothing: each word is the newest.
  if (patch.resync === true || patch.from > place.seq) return 'rejoin';
  return 'apply';
}
