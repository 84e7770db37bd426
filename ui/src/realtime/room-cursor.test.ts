import { describe, expect, it } from 'vitest';
import { judgePatch } from './room-cursor.ts';

const cursor = { epoch: 'a', seq: 7 };

describe('judgePatch', () => {
  it('applies the next patch', () => {
    expect(judgePatch(cursor, { epoch: 'a', seq: 8 })).toBe('apply');
  });

  it('drops what the snapshot already contained', () => {
    expect(judgePatch(cursor, { epoch: 'a', seq: 7 })).toBe('drop');
    expect(judgePatch(cursor, { epoch: 'a', seq: 3, resync: true })).toBe('drop');
  });

  it('joins again after a gap, in another epoch and when asked to', () => {
    expect(judgePatch(cursor, { epoch: 'a', seq: 9 })).toBe('rejoin');
    expect(judgePatch(cursor, { epoch: 'b', seq: 8 })).toBe('rejoin');
    expect(judgePatch(cursor, { epoch: 'a', seq: 8, resync: true })).toBe('rejoin');
  });
});
