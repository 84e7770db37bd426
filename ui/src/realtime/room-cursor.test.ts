import { describe, expect, it } from 'vitest';
import { judgePatch } from './room-cursor.ts';

const place = { epoch: 'a', seq: 7 };

describe('judgePatch', () => {
  it('applies what goes on from here, even where it tells something again', () => {
    expect(judgePatch(place, { epoch: 'a', from: 7, seq: 9 })).toBe('apply');
    expect(judgePatch(place, { epoch: 'a', from: 5, seq: 8 })).toBe('apply');
  });

  it('drops what the snapshot already contained', () => {
    expect(judgePatch(place, { epoch: 'a', from: 6, seq: 7 })).toBe('drop');
    expect(judgePatch(place, { epoch: 'a', from: 2, seq: 3, resync: true })).toBe('drop');
  });

  it('joins again after a gap, in another epoch and when asked to', () => {
    expect(judgePatch(place, { epoch: 'a', from: 8, seq: 9 })).toBe('rejoin');
    expect(judgePatch(place, { epoch: 'b', from: 7, seq: 8 })).toBe('rejoin');
    expect(judgePatch(place, { epoch: 'a', from: 7, seq: 8, resync: true })).toBe('rejoin');
  });
});
