import { describe, expect, it } from 'vitest';
import { layoutAttempts, type WorkerAttempt } from './attempt-looks.ts';

const at = (second: number): string => new Date(1_800_000_000_000 + second * 1_000).toISOString();
const attempt = (start: number, end: number | null): WorkerAttempt => ({
  id: `${start}`,
  job: 'j',
  name: 'n',
  step: 's',
  engine: 'null',
  frames: '1',
  outcome: end === null ? null : 'completed',
  class: null,
  error: null,
  startedAt: at(start),
  endedAt: end === null ? null : at(end),
});

describe('the timeline of a worker', () => {
  it('puts what ran at the same time below each other, up to now', () => {
    const { bars, lanes } = layoutAttempts(
      [attempt(60, null), attempt(50, 80), attempt(0, 50)],
      Date.parse(at(100)),
    );
    expect(lanes).toBe(2);
    expect(bars.map(({ left, width, lane }) => [left, width, lane])).toEqual([
      [0, 50, 0],
      [50, 30, 0],
      [60, 40, 1],
    ]);
  });

  it('survives a clock that goes back, tasks of no length, and many at once', () => {
    const { bars, lanes } = layoutAttempts([attempt(10, 5), attempt(10, 10)], Date.parse(at(0)));
    expect(bars.every(({ left, width }) => left >= 0 && left < 100 && width > 0)).toBe(true);
    expect(lanes).toBeGreaterThan(0);
    const many = Array.from({ length: 40 }, () => attempt(0, 100));
    expect(layoutAttempts(many, Date.parse(at(100))).lanes).toBe(8);
    expect(layoutAttempts([], 0).bars).toEqual([]);
  });
});
