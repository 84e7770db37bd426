import { describe, expect, it } from 'vitest';
import { UsedLatelyMeter } from './used-lately.ts';

const use = (project: string, slots: number) => ({
  project,
  owner: `${project}-owner`,
  jobId: `${project}-job`,
  slots,
});

describe('slot-seconds used lately', () => {
  it('add up over what runs, by project, owner and job', () => {
    const meter = new UsedLatelyMeter();
    meter.measure([use('film', 4)], 0);
    meter.measure([use('film', 4), use('film', 2), use('series', 1)], 1_000);
    expect(meter.project.get('film')).toBe(6);
    expect(meter.owner.get('series-owner')).toBe(1);
    expect(meter.job.get('film-job')).toBe(6);
  });

  it('fade by half every five minutes, and are forgotten in the end', () => {
    const meter = new UsedLatelyMeter();
    meter.measure([], 0);
    meter.measure([use('film', 100)], 1_000);
    meter.measure([], 301_000);
    expect(meter.project.get('film')).toBeCloseTo(50);
    meter.measure([], 30_000_000);
    expect(meter.project.size).toBe(0);
  });
});
