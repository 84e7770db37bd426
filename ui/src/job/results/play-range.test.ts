import { describe, expect, it } from 'vitest';
import { playFrom, playTo, timecode, WHOLE, wrapped } from './play-range.ts';

describe('the part of a video that is played', () => {
  it('has a beginning before its end', () => {
    const range = playTo(playFrom(WHOLE, 1), 3);
    expect(range).toEqual({ from: 1, to: 3 });
    expect(playFrom(range, 4)).toEqual({ from: 4, to: null });
    expect(playTo(range, 0.5)).toEqual({ from: null, to: 0.5 });
  });

  it('begins anew at its end, or stops there', () => {
    const range = { from: 1, to: 3 };
    expect(wrapped(range, 2, { forwards: true, loop: true })).toBeUndefined();
    expect(wrapped(range, 3, { forwards: true, loop: true })).toEqual({ seek: 1, stop: false });
    expect(wrapped(range, 3.1, { forwards: true, loop: false })).toEqual({ seek: 3, stop: true });
    expect(wrapped(range, 1, { forwards: false, loop: true })).toEqual({ seek: 3, stop: false });
    expect(wrapped(WHOLE, 9, { forwards: true, loop: true })).toBeUndefined();
  });

  it('is told by timecode', () => {
    expect(timecode(0, 24)).toBe('00:00:00:00');
    expect(timecode(24 * 61 + 11, 24)).toBe('00:01:01:11');
    expect(timecode(90_000, 25)).toBe('01:00:00:00');
  });
});
