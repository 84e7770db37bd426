import { describe, expect, it } from 'vitest';
import { columnWords, failuresSummary, heat } from './failure-text.ts';

describe('what failures are called', () => {
  it('counts what was looked at, and says when that was not all', () => {
    const empty = { now: '', from: '', groups: [], hiddenGroups: 7, considered: 1, truncated: false };
    expect(failuresSummary(empty)).toBe('7 reasons in 1 failed attempt');
    expect(failuresSummary({ ...empty, considered: 10_000, truncated: true })).toBe(
      '7 reasons in the newest 10,000 failed attempts',
    );
  });

  it('shows one failure among thousands', () => {
    expect(heat(0, 1_000)).toBe(0);
    expect(heat(1, 1_000)).toBeGreaterThan(0.25);
    expect(heat(1_000, 1_000)).toBe(1);
  });

  it('says when a column was', () => {
    const day = 86_400_000;
    expect(columnWords(23, 24, day)).toBe('the last 60 m');
    expect(columnWords(0, 24, day)).toBe('24 h to 23 h ago');
    expect(columnWords(0, 24, 7 * day)).toBe('7 d to 7 d ago');
    expect(columnWords(23, 24, day / 24)).toBe('the last 3 m');
  });
});
