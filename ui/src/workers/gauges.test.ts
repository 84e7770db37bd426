import { describe, expect, it } from 'vitest';
import { HISTORY_SAMPLES, HISTORY_STEP_SECONDS } from '../../../src/shared/contracts/worker-api.ts';
import { addToGauge, gapAfter, gaugeLines, readGauge } from './gauges.ts';

const SIZE = { width: 59, height: 25 };

describe('gauges', () => {
  it('are letters from A for nothing to Z for all, with gaps', () => {
    expect(readGauge('A.Z')).toEqual([0, null, 1]);
    expect(addToGauge('A', 0.5)).toBe('AN');
    expect(addToGauge('A', null)).toBe('A.');
    expect(addToGauge('A'.repeat(60), 7)).toBe(`${'A'.repeat(59)}Z`);
  });

  it('have a gap where the page was away', () => {
    expect(gapAfter(HISTORY_STEP_SECONDS * 1_000)).toBe('');
    expect(gapAfter(HISTORY_STEP_SECONDS * 4_000)).toBe('...');
    expect(gapAfter(86_400_000)).toHaveLength(HISTORY_SAMPLES);
  });

  it('become lines that end at the right and break where nothing was heard', () => {
    expect(gaugeLines('AZ', SIZE)).toEqual(['58.0,25.0 59.0,0.0']);
    expect(gaugeLines('AZ..A', SIZE)).toEqual(['55.0,25.0 56.0,0.0', '59.0,25.0 60.0,25.0']);
    expect(gaugeLines('...', SIZE)).toEqual([]);
    expect(gaugeLines('', SIZE)).toEqual([]);
  });
});
