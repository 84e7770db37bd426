import { describe, expect, it } from 'vitest';
import { elapsedSeconds, formatAge, formatBytes, formatSeconds, plural } from './units.ts';

describe('units', () => {
  it('writes durations in at most two units', () => {
    const shown = [0.042, 0.5, 7.25, 12, 59.6, 192, 3_840, 90_000].map(formatSeconds);
    expect(shown).toEqual([
      '0.04 s',
      '0.50 s',
      '7.3 s',
      '12 s',
      '1 m 00 s',
      '3 m 12 s',
      '1 h 04 m',
      '1 d 01 h',
    ]);
    expect(formatSeconds(Number.NaN)).toBe('–');
  });

  it('writes ages, and takes clocks that differ a little', () => {
    const now = Date.parse('2026-01-02T00:00:00Z');
    expect(formatAge('2026-01-02T00:00:03Z', now)).toBe('just now');
    expect(formatAge('2026-01-01T23:59:48Z', now)).toBe('12 s ago');
    expect(formatAge('2026-01-01T21:00:00Z', now)).toBe('3 h ago');
    expect(formatAge('nonsense', now)).toBe('–');
  });

  it('measures up to the end, or up to now', () => {
    const now = Date.parse('2026-01-01T00:01:00Z');
    expect(elapsedSeconds(null, null, now)).toBeNull();
    expect(elapsedSeconds('2026-01-01T00:00:00Z', null, now)).toBe(60);
    expect(elapsedSeconds('2026-01-01T00:00:00Z', '2026-01-01T00:00:05Z', now)).toBe(5);
  });

  it('writes sizes and counts', () => {
    expect([0, 999, 1_000, 1_449_000, 999_999, 123_456_789].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.4 MB',
      '1.0 MB',
      '123 MB',
    ]);
    expect(plural(1, 'frame')).toBe('1 frame');
    expect(plural(12_000, 'frame')).toBe('12,000 frames');
  });
});
