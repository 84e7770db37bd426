import { afterEach, describe, expect, it } from 'vitest';
import { farmTime, learnFarmTime } from './farm-time.ts';

const HOUR_MS = 3_600_000;
afterEach(() => learnFarmTime(Date.now()));

describe('farmTime', () => {
  it('is this machine’s time while both clocks agree', () => {
    learnFarmTime(Date.now() + 900);
    expect(farmTime(5_000)).toBe(5_000);
  });

  it('is the farm’s time when this machine’s clock is off, and does not tremble', () => {
    learnFarmTime(Date.now() - HOUR_MS);
    const learned = farmTime(10 * HOUR_MS);
    expect(Math.abs(learned - 9 * HOUR_MS)).toBeLessThan(100);
    learnFarmTime(Date.now() - HOUR_MS - 500);
    expect(farmTime(10 * HOUR_MS)).toBe(learned);
    learnFarmTime(Date.now());
    expect(farmTime(10 * HOUR_MS)).toBe(10 * HOUR_MS);
  });
});
