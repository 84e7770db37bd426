import { describe, expect, it } from 'vitest';
import { FRAME_STATES } from '../../../../src/shared/contracts/realtime.ts';
import { countMarks, GRID_MARKS, verdictBytes } from './verdict-grid.ts';

const states = (...names: (typeof FRAME_STATES)[number][]): Uint8Array =>
  Uint8Array.from(names, (name) => FRAME_STATES.indexOf(name));
const marks = (bytes: Uint8Array): unknown[] => [...bytes].map((byte) => GRID_MARKS[byte]);

describe('verdictBytes', () => {
  it('shows each judged frame by its verdict', () => {
    const bytes = verdictBytes(states('done', 'done', 'done', 'held', 'held', 'done'), 'pwuhf.');
    expect(marks(bytes)).toEqual(['pass', 'warn', 'unchecked', 'hold', 'fail', 'none']);
  });

  it('does not show what was said of a result that a frame has no more', () => {
    expect(marks(verdictBytes(states('running', 'skipped', 'ready'), 'php'))).toEqual([
      'none',
      'none',
      'none',
    ]);
  });

  it('takes frames of which nothing is told yet as not looked at', () => {
    expect(marks(verdictBytes(states('done', 'done'), 'p'))).toEqual(['pass', 'none']);
  });
});

describe('countMarks', () => {
  it('counts over all steps', () => {
    const done = states('done', 'done', 'done');
    expect(countMarks([verdictBytes(done, 'pph'), verdictBytes(done, 'p.w')])).toMatchObject({
      pass: 3,
      hold: 1,
      warn: 1,
      none: 1,
      fail: 0,
    });
  });
});
