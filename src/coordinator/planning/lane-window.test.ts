import { describe, expect, it } from 'vitest';
import { CompletionRate, laneWindow } from './lane-window.ts';

describe('the window of a lane', () => {
  it('fills the free slots and looks a little ahead', () => {
    expect(laneWindow({ slots: 4, queued: 0, running: 0, rate: undefined })).toBe(8);
    expect(laneWindow({ slots: 4, queued: 1, running: 4, rate: 0.1 })).toBe(1);
    expect(laneWindow({ slots: 4, queued: 9, running: 0, rate: 0.1 })).toBe(0);
  });

  it('looks as far ahead as the lane is fast, and not at all without workers', () => {
    expect(laneWindow({ slots: 16, queued: 0, running: 16, rate: 1_000 })).toBe(500);
    expect(laneWindow({ slots: 16, queued: 0, running: 16, rate: 1e9 })).toBe(2_000);
    expect(laneWindow({ slots: 0, queued: 0, running: 0, rate: 1_000 })).toBe(0);
  });

  it('measures a rate that rises at once and falls slowly', () => {
    const rate = new CompletionRate(0);
    expect(rate.read(100)).toBeUndefined();
    rate.add(100);
    expect(rate.read(200)).toBe(1_000);
    const later = rate.read(1_200);
    expect(later).toBeCloseTo(500);
    expect(rate.read(11_200)).toBeLessThan(1);
  });
});
