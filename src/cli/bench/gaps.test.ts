import { describe, expect, it } from 'vitest';
import { gapsOf } from './gaps.ts';

const frame = (task: string, startMs: number, endMs: number) => ({ task, startMs, endMs });

describe('gapsOf', () => {
  it('follows a task on its slot, and the next task to the slot that was free first', () => {
    const times = [
      ...[frame('a', 0, 10), frame('a', 11, 20)],
      ...[frame('b', 0, 12), frame('b', 14, 30)],
      ...[frame('c', 25, 40)],
      ...[frame('d', 33, 50)],
    ];
    expect(gapsOf(times, 2)).toEqual([
      { ms: 1, betweenTasks: false },
      { ms: 2, betweenTasks: false },
      { ms: 5, betweenTasks: true },
      { ms: 3, betweenTasks: true },
    ]);
  });

  it('does not count the time before a slot has begun', () => {
    expect(gapsOf([frame('a', 0, 10), frame('b', 500, 510)], 2)).toEqual([]);
  });

  it('refuses more frames at once than there are slots', () => {
    expect(() => gapsOf([frame('a', 0, 10), frame('b', 5, 10)], 1)).toThrow(RangeError);
  });
});
