import { VERDICT_LETTERS } from '../../../src/shared/contracts/quality-api.ts';
import { FRAME_STATES } from '../../../src/shared/contracts/realtime.ts';

/** What a cell can show when frames are coloured by verdict; `none`: nothing of the frame was looked at (yet). */
export const VERDICT_MARKS = ['pass', 'unchecked', 'warn', 'fail', 'hold', 'none'] as const;
export type VerdictMark = (typeof VERDICT_MARKS)[number];

/** What a byte of a drawn grid stands for: a state, or behind the states a verdict. */
export const GRID_MARKS = [...FRAME_STATES, ...VERDICT_MARKS] as const;
export const markByte = (mark: (typeof GRID_MARKS)[number]): number => GRID_MARKS.indexOf(mark);

const BYTE_OF_LETTER = new Map(VERDICT_MARKS.map((mark) => [VERDICT_LETTERS[mark], markByte(mark)]));
const NONE = markByte('none');
/** Only these have a result that was judged; of others an older verdict says nothing any more. */
const JUDGED = new Set([FRAME_STATES.indexOf('done'), FRAME_STATES.indexOf('held')]);

/** A step's frames by their verdict, a byte each, in the step's order. @param verdicts a letter a frame, as the farm tells them */
export function verdictBytes(states: Uint8Array, verdicts: string): Uint8Array {
  return Uint8Array.from(states, (state, position) =>
    JUDGED.has(state) ? (BYTE_OF_LETTER.get(letterAt(verdicts, position)) ?? NONE) : NONE,
  );
}

const letterAt = (verdicts: string, position: number): (typeof VERDICT_LETTERS)[VerdictMark] =>
  (verdicts[position] ?? VERDICT_LETTERS.none) as (typeof VERDICT_LETTERS)[VerdictMark];

/** How many frames have which verdict. */
export function countMarks(grids: Iterable<Uint8Array>): Record<VerdictMark, number> {
  const counts = { pass: 0, unchecked: 0, warn: 0, fail: 0, hold: 0, none: 0 };
  for (const bytes of grids)
    for (const byte of bytes) {
      const mark = VERDICT_MARKS[byte - FRAME_STATES.length];
      if (mark !== undefined) counts[mark]++;
    }
  return counts;
}
