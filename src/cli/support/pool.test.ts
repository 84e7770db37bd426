import { describe, expect, it } from 'vitest';
import { forEachParallel, pause } from './pool.ts';

describe('forEachParallel', () => {
  it('does everything, and never more than the width at once', async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    await forEachParallel(
      Array.from({ length: 20 }, (_, i) => i),
      3,
      async (i) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        done.push(i);
      },
    );
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(most).toBe(3);
  });

  it('throws the first error and starts nothing after it', async () => {
    const started: number[] = [];
    const work = async (i: number): Promise<void> => {
      started.push(i);
      await Promise.resolve();
      if (i === 1) throw new Error('one');
    };
    await expect(forEachParallel([0, 1, 2, 3, 4, 5, 6, 7], 1, work)).rejects.toThrow('one');
    expect(started).toEqual([0, 1]);
  });
});

describe('pause', () => {
  it('ends early with the reason of the signal', async () => {
    const abort = new AbortController();
    const waiting = pause(60_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(pause(1, abort.signal)).rejects.toThrow('enough');
  });
});
