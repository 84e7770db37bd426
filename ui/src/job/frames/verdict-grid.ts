import { VERDICT_LETTERS } from '../../../../src/shared/contracts/quality-api.ts';
import { FRAME_STATES } from '../../../../src/shared/contracts/realtime.ts';

/** What a cell can show when frames are coloured by verdict; `none`: nothing of the frame was looked at (yet). */
export const VERDICT_MARKS = ['pass', 'unchecked', 'warn', 'fail', 'hold', 'none'] as const;
export type VerdictMark = (typeof VERDICT_MARKS)[number];

/** What a byte of a drawn grid stands for: a state, or behind the states a verdict. */
export const GRID_MARKS = [...FRAME_STATES, ...VERDICT_MARKS] as const;
export const markByte = (mark: (typeof GRID_MARKS)[number]): number => GRID_MARKS.indexOf(mark);

const NONE = markByte('none');
/** By the character's code. */
const BYTE_OF_LETTER = new Uint8Array(128).fill(NONE);
for (const mark of VERDICT_MARKS) BYTE_OF_LETTER[VERDICT_LETTERS[mark].charCodeAt(0)] = markByte(mark);
const DONE = markByte('done');
const HELD = markByte('held');

/**
 * A step's frames by their verdict, a byte each, in the step's order. Only those that are done or held have a result that was
 * judged; of others an older verdict says nothing any more.
 * @param verdicts a letter a frame, as the farm tells them
 */
export function verdictBytes(states: Uint8Array, verdicts: string): Uint8Array {
  const bytes = new Uint8Array(states.length).fill(NONE);
  const told = Math.min(states.length, verdicts.length);
  for (let position = 0; position < told; position++) {
    const state = states[position];
    if (state === DONE || state === HELD)
      bytes[position] = BYTE_OF_LETTER[verdicts.charCodeAt(position)] ?? NONE;
  }
  return bytes;
}

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
