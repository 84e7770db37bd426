/** Where a client stands in a room's stream of patches. */
export interface RoomCursor {
  epoch: string;
  seq: number;
}

export type PatchVerdict = 'apply' | 'drop' | 'rejoin';

/**
 * What to do with a patch. Older ones than the snapshot are dropped (they are in it); a gap, another epoch or a plea to
 * resync means that this client no longer knows the truth and must join again.
 */
export function judgePatch(
  cursor: RoomCursor,
  patch: { epoch: string; seq: number; resync?: true },
): PatchVerdict {
  if (patch.epoch !== cursor.epoch) return 'rejoin';
  if (patch.seq <= cursor.seq) return 'drop';
  if (patch.resync === true || patch.seq !== cursor.seq + 1) return 'rejoin';
  return 'apply';
}
