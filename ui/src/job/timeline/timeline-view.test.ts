import { describe, expect, it } from 'vitest';
import { lanesOf, outcomeOf, panTime, ticksOf, zoomTime, type Bar } from './timeline-view.ts';

const bar = (worker: number, start: number, end: number | null): Bar => ({
  id: `${worker}-${start}`,
  worker,
  step: 0,
  start,
  end,
  outcome: end === null ? null : 'completed',
  first: 1,
  last: 1,
  frames: 1,
});

describe('the window of a timeline', () => {
  it('is zoomed around a moment that stays where it is, and never beyond the whole', () => {
    expect(zoomTime({ start: 0, end: 10_000 }, 5_000, 0.5, 10_000)).toEqual({ start: 2_500, end: 7_500 });
    expect(zoomTime({ start: 2_500, end: 7_500 }, 2_500, 4, 10_000)).toEqual({ start: 0, end: 10_000 });
    expect(zoomTime({ start: 0, end: 10_000 }, 10_000, 0.1, 10_000)).toEqual({ start: 9_000, end: 10_000 });
    expect(zoomTime({ start: 0, end: 300 }, 0, 0.01, 10_000)).toEqual({ start: 0, end: 200 });
  });

  it('is moved as far as there is something', () => {
    expect(panTime({ start: 0, end: 1_000 }, 0.5, 10_000)).toEqual({ start: 500, end: 1_500 });
    expect(panTime({ start: 0, end: 1_000 }, -1, 10_000)).toEqual({ start: 0, end: 1_000 });
    expect(panTime({ start: 9_000, end: 10_000 }, 1, 10_000)).toEqual({ start: 9_000, end: 10_000 });
  });

  it('has marks at moments that people count in', () => {
    expect(ticksOf({ start: 0, end: 60_000 }, 600)).toEqual([0, 15_000, 30_000, 45_000, 60_000]);
    expect(ticksOf({ start: 100, end: 3_900 }, 400)).toEqual([2_000]);
  });
});

describe('bars of a worker', () => {
  it('that overlap lie below each other, as its slots do', () => {
    const bars = [bar(0, 0, 10), bar(0, 5, null), bar(1, 6, 9), bar(0, 10, 12), bar(0, 13, 14)];
    expect(lanesOf(bars, 3)).toEqual({ lanes: [0, 1, 0, 0, 0], rows: [2, 1, 1] });
  });

  it('have a word for what became of them, also for words of later versions', () => {
    expect(outcomeOf({ outcome: 'failed' })).toBe('failed');
    expect(outcomeOf({ outcome: null })).toBe('running');
    expect(outcomeOf({ outcome: 'vanished' })).toBe('running');
  });
});
