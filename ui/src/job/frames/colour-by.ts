import { LEVEL_KINDS, type LevelKind } from '../../../../src/shared/contracts/job-views.ts';

/** What frames are coloured by. */
export const COLOURS_BY = ['state', 'verdict', ...LEVEL_KINDS] as const;
export type ColourBy = (typeof COLOURS_BY)[number];

/** What the farm has to be asked for; null: nothing. */
export function levelOf(by: ColourBy): LevelKind | null {
  return LEVEL_KINDS.find((kind) => kind === by) ?? null;
}
