import { describe, expect, it } from 'vitest';
import { percentile, roundMs } from './percentiles.ts';

describe('percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect(percentile(values, 50)).toBe(100);
    expect(percentile(values, 99)).toBe(198);
    expect(percentile(values, 100)).toBe(200);
    expect(percentile([7], 50)).toBe(7);
  });

  it('needs a value', () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
  });

  it('rounds to the hundredth', () => {
    expect(roundMs(1.23456)).toBe(1.23);
  });
});
