import { describe, expect, it } from 'vitest';
import { isDue, type PreviewStanding } from './preview-due.ts';

const FIRST: PreviewStanding = {
  stepState: 'running',
  done: 1,
  mark: '1',
  madeMark: null,
  shown: 0,
  everyNth: 1,
  order: null,
  failures: 0,
  orderedMark: null,
  secondsSinceOrder: null,
};
const order = { worker: 'w', seconds: 3, begun: true, workerIsSilent: false };

describe('a preview is made', () => {
  it('once there is a frame, and not before', () => {
    expect(isDue(FIRST)).toBe(true);
    expect(isDue({ ...FIRST, done: 0 })).toBe(false);
  });

  it('again when enough frames are new, and at the end of the step', () => {
    const made = { ...FIRST, madeMark: '1', mark: '2', shown: 100 };
    expect(isDue({ ...made, done: 149 })).toBe(false);
    expect(isDue({ ...made, done: 150 })).toBe(true);
    expect(isDue({ ...made, done: 101, stepState: 'completed' })).toBe(true);
    expect(isDue({ ...made, mark: '1', stepState: 'completed' })).toBe(false);
    expect(isDue({ ...made, shown: 1, done: 8 })).toBe(false);
    expect(isDue({ ...made, shown: 1, done: 9 })).toBe(true);
  });

  it('so seldom that all of them together are a few times the last one', () => {
    const total = 100_000;
    let [shown, work] = [0, 0];
    for (let done = 1; done <= total; done++) {
      const madeMark = shown === 0 ? null : 'before';
      const stepState = done === total ? 'completed' : 'running';
      if (!isDue({ ...FIRST, done, shown, madeMark, stepState })) continue;
      shown = done;
      work += done;
    }
    expect(shown).toBe(total);
    expect(work / total).toBeLessThan(4);
  });

  it('by one worker at a time, and by another when that one is gone', () => {
    expect(isDue({ ...FIRST, order })).toBe(false);
    expect(isDue({ ...FIRST, order: { ...order, workerIsSilent: true } })).toBe(true);
    expect(isDue({ ...FIRST, order: { ...order, begun: false, seconds: 21 } })).toBe(true);
    expect(isDue({ ...FIRST, order: { ...order, seconds: 1_801 } })).toBe(true);
  });

  it('a few times more when it fails, less and less often', () => {
    expect(isDue({ ...FIRST, failures: 1, secondsSinceOrder: 29 })).toBe(false);
    expect(isDue({ ...FIRST, failures: 1, secondsSinceOrder: 31 })).toBe(true);
    const failed = { ...FIRST, failures: 4, secondsSinceOrder: 100_000, orderedMark: '1' };
    expect(isDue(failed)).toBe(false);
    expect(isDue({ ...failed, mark: '2' })).toBe(true);
  });
});
