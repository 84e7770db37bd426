import { describe, expect, it } from 'vitest';
import type { JobPace } from '../../../../src/shared/contracts/job-views.ts';
import type { JobSummary } from '../../../../src/shared/contracts/messages.ts';
import { estimate, estimateNote, estimateText, stuckText } from './estimate.ts';

type Counts = JobSummary['frames'];
const none: Counts = {
  total: 100,
  waiting: 0,
  ready: 0,
  queued: 0,
  running: 0,
  done: 0,
  failed: 0,
  held: 0,
  skipped: 0,
  cancelled: 0,
};
const job = (frames: Partial<Counts>, state: JobSummary['state'] = 'running') => ({
  state,
  steps: [{ name: 'render', engine: 'null', state, frames: { ...none, ...frames } }],
});
const pace = (running: number): JobPace => ({
  running,
  steps: [{ step: 'render', sample: 50, quick: 8, median: 10, slow: 20 }],
  stuck: [],
});

describe('estimate', () => {
  it('is a range, from quick frames to slow ones', () => {
    const left = estimate(job({ done: 60, running: 4, ready: 36 }), pace(4));
    expect(left).toEqual({ low: 76, high: 150, running: 4 });
    expect(left && estimateText(left)).toBe('1 m 16 s to 2 m 30 s');
    expect(left && estimateNote(left)).toContain('4 tasks at a time go on');
  });

  it('never says less than a slow frame takes', () => {
    expect(estimate(job({ running: 1 }), pace(8))?.high).toBe(20);
  });

  it('is not given where it would be a guess', () => {
    expect(estimate(job({ ready: 10 }), pace(0))).toBeNull();
    expect(estimate(job({ ready: 10 }), { ...pace(2), steps: [] })).toBeNull();
    expect(estimate(job({ ready: 10 }, 'paused'), pace(2))).toBeNull();
  });
});

describe('a stuck frame', () => {
  const stuck = {
    step: 'render',
    frame: 12,
    attempt: 'a',
    worker: 'w1',
    seconds: 250,
    median: 10,
    silentSeconds: 182,
  };
  it('is told with its peers and the silence of its log', () => {
    expect(stuckText(stuck)).toBe(
      'Frame 12 of render on w1 runs for 4 m 10 s, 25 times as long as the others; its engine has written nothing for 3 m 02 s.',
    );
    expect(stuckText({ ...stuck, silentSeconds: 3 })).toContain('still writes');
  });
});
