import { describe, expect, it } from 'vitest';
import type { FrameState } from '../../shared/domain/states.ts';
import { lostGraceMs } from './lost-grace.ts';
import { planResume, type AskedFrame } from './resume-plan.ts';

const holder = (
  key: string,
  changes: Partial<NonNullable<AskedFrame['holder']>> = {},
): AskedFrame['holder'] => ({
  key,
  state: 'running',
  worker: 'w2',
  attempt: 'other',
  frames: [1, 2, 3],
  ...changes,
});
const frame = (number: number, state: FrameState, held: AskedFrame['holder'] = null): AskedFrame => ({
  number,
  generation: 1,
  state,
  holder: held,
});
const plan = (
  frames: AskedFrame[],
  options: { current?: number; paused?: boolean; ownedElsewhere?: boolean; under?: number | null } = {},
) =>
  planResume(
    {
      version: 1,
      taskId: 't1',
      jobId: 'j',
      attempt: 'mine',
      feed: 1,
      instance: 'i',
      frames: [1, 2, 3].map((number) => ({ number, generation: 1 })),
      current: options.current ?? null,
    },
    { key: '1', ownedElsewhere: options.ownedElsewhere ?? false },
    frames,
    { paused: options.paused ?? false },
    () => (options.under === undefined ? undefined : { frame: options.under }),
  );

describe('what of an attempt is still wanted', () => {
  it('wants what nobody has, and not what has ended', () => {
    const frames = [frame(3, 'ready'), frame(1, 'done'), frame(2, 'cancelled')];
    expect(plan(frames).wanted).toEqual([3]);
  });

  it('does not want another generation', () => {
    expect(plan([{ ...frame(1, 'ready'), generation: 2 }]).wanted).toEqual([]);
  });

  it('keeps its own frames unless a live worker has the task', () => {
    const own = [frame(1, 'running', holder('1')), frame(2, 'queued', holder('1'))];
    expect(plan(own).wanted).toEqual([1, 2]);
    expect(plan(own, { ownedElsewhere: true }).wanted).toEqual([]);
  });

  it('takes only the frame under way back from a task that waits', () => {
    const queued = [1, 2, 3].map((number) => frame(number, 'queued', holder('2', { state: 'queued' })));
    expect(plan(queued, { current: 2 })).toEqual({ wanted: [2], taken: [] });
  });

  it('takes the frame under way from another worker only where that one has not come to it', () => {
    const running = [frame(2, 'running', holder('2'))];
    expect(plan(running, { current: 2, under: 1 })).toEqual({
      wanted: [2],
      taken: [{ worker: 'w2', attempt: 'other', frame: 2 }],
    });
    expect(plan(running, { current: 2, under: 2 }).wanted).toEqual([]);
    expect(plan(running, { current: 2, under: 3 }).wanted).toEqual([]);
    expect(plan(running, { current: 1, under: 1 }).wanted).toEqual([]);
  });

  it('finishes only the frame under way of a paused job', () => {
    expect(plan([frame(1, 'ready'), frame(2, 'ready')], { current: 2, paused: true }).wanted).toEqual([2]);
  });
});

describe('how long a silent worker is waited for', () => {
  it('is 5 % of what was rendered, within 6 s and 2 minutes', () => {
    expect(lostGraceMs(0)).toBe(6_000);
    expect(lostGraceMs(600)).toBe(30_000);
    expect(lostGraceMs(86_400)).toBe(120_000);
  });
});
