import { describe, expect, it } from 'vitest';
import { FRAME_STATES, JOB_STATES } from '../../../src/shared/contracts/realtime.ts';
import {
  FRAME_LOOKS,
  JOB_LOOKS,
  PROGRESS_ORDER,
  describeCounts,
  percentDone,
  progressSegments,
} from './states.ts';

const looks = [JOB_STATES.map((state) => JOB_LOOKS[state]), FRAME_STATES.map((state) => FRAME_LOOKS[state])];

describe('states', () => {
  it('tells every state from every other by word and icon, not by colour alone', () => {
    for (const set of looks) {
      expect(new Set(set.map((look) => look.word)).size).toBe(set.length);
      expect(new Set(set.map((look) => look.icon)).size).toBe(set.length);
    }
  });

  it('has a place in the progress bar for every frame state', () => {
    expect(new Set(PROGRESS_ORDER)).toEqual(new Set(FRAME_STATES));
  });

  it('does not round up to 100 percent', () => {
    expect(percentDone({ total: 10_000, done: 9_999 })).toBe(99);
    expect(percentDone({ total: 3, done: 3 })).toBe(100);
    expect(percentDone({ total: 0 })).toBe(0);
  });

  it('draws only what there is, finished frames first', () => {
    const segments = progressSegments({ total: 4, waiting: 1, running: 1, done: 2, failed: 0 });
    expect(segments.map(({ state, percent }) => [state, percent])).toEqual([
      ['done', 50],
      ['running', 25],
      ['waiting', 25],
    ]);
    expect(describeCounts({ total: 4, waiting: 1, running: 1, done: 2 })).toBe(
      '2 of 4 frames done, 1 running, 1 waiting',
    );
  });
});
