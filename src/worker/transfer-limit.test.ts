import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TransferLimit } from './transfer-limit.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('TransferLimit', () => {
  it('gives a transfer a minute, and a large one the time that its size takes', () => {
    const { signal } = new AbortController();
    const [small, large] = [new TransferLimit(signal), new TransferLimit(signal, 128 * 1024 * 600)];
    vi.advanceTimersByTime(60_000);
    expect([small.signal.aborted, large.signal.aborted]).toEqual([true, false]);
    vi.advanceTimersByTime(600_000);
    expect(large.signal.reason).toMatchObject({ code: 'unavailable' });
  });

  it('begins anew when a download learns how large it is', () => {
    const limit = new TransferLimit(new AbortController().signal);
    vi.advanceTimersByTime(59_000);
    limit.allow(128 * 1024 * 600);
    vi.advanceTimersByTime(659_000);
    expect(limit.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(limit.signal.aborted).toBe(true);
  });

  it('ends with what wanted it, and leaves no timer when it is disposed of', () => {
    const wanted = new AbortController();
    const limit = new TransferLimit(wanted.signal);
    wanted.abort(new Error('the job was cancelled'));
    expect(limit.signal.reason).toEqual(new Error('the job was cancelled'));
    limit.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });
});
