import { describe, expect, it } from 'vitest';
import type { FrameChange } from '../../shared/contracts/messages.ts';
import { SETTLE_MS, TouchedJobs } from './touched-jobs.ts';

const frame = (number: number): FrameChange => ({
  step: 'render',
  number,
  state: 'running',
  generation: 1,
  worker: null,
  seconds: null,
  error: null,
});
const numbers = (due: ReturnType<TouchedJobs['takeDue']>): number[] | undefined => {
  const frames = due.get('a');
  return frames && [...frames.values()].map(({ number }) => number);
};

describe('TouchedJobs', () => {
  it('tells each frame once, a period after it was last touched, then forgets the job', () => {
    const jobs = new TouchedJobs();
    jobs.touch('a', [frame(1), frame(2)], 0);
    expect(numbers(jobs.takeDue(SETTLE_MS - 1))).toBeUndefined();
    expect(numbers(jobs.takeDue(SETTLE_MS))).toEqual([]);
    jobs.touch('a', [frame(2)], SETTLE_MS + 1);
    expect(numbers(jobs.takeDue(2 * SETTLE_MS))).toEqual([1]);
    expect(numbers(jobs.takeDue(3 * SETTLE_MS))).toEqual([2]);
    expect(jobs.takeDue(9 * SETTLE_MS).size).toBe(0);
  });

  it('has a last look at a job of which no frame was told', () => {
    const jobs = new TouchedJobs();
    jobs.touch('a', [], 0);
    expect([...jobs.takeDue(SETTLE_MS).keys()]).toEqual(['a']);
    expect([...jobs.takeDue(2 * SETTLE_MS).keys()]).toEqual(['a']);
    expect(jobs.takeDue(3 * SETTLE_MS).size).toBe(0);
  });
});
