import { expect, it } from 'vitest';
import { FrameMeter } from './frame-meter.ts';

const job = (id: string, done: number, startedAtMs = 0) => ({ id, done, startedAtMs });

it('counts what was done since the last look', () => {
  const meter = new FrameMeter(5_000);
  meter.sample(10_000, [job('old', 900)]);
  expect(meter.perSecond).toBeNull();
  meter.sample(15_000, [job('old', 910), job('new', 5, 12_000)]);
  expect(meter.perSecond).toBe(3);
  meter.sample(20_000, [job('new', 5, 12_000)]);
  expect(meter.history).toEqual([3, 0]);
  expect(meter.perSecond).toBe(1.5);
});

it('takes a job that comes back, or whose frames are rendered again, for no leap', () => {
  const meter = new FrameMeter(5_000);
  meter.sample(10_000, [job('a', 10)]);
  meter.sample(15_000, [job('a', 4), job('back', 5_000)]);
  meter.sample(20_000, [job('a', 5), job('back', 5_001)]);
  expect(meter.history).toEqual([0, 0.4]);
});

it('keeps ten minutes', () => {
  const meter = new FrameMeter(5_000);
  for (let n = 0; n <= 200; n++) meter.sample(n * 5_000, [job('a', n * 10)]);
  expect(meter.history).toHaveLength(121);
  expect(meter.perSecond).toBe(2);
});
