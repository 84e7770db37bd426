import { describe, expect, it } from 'vitest';
import { quarantineReason, type WorkerRecord } from './quarantine-decision.ts';

const record = (changes: Partial<WorkerRecord>): WorkerRecord => ({
  worker: 'w1',
  renderedByOthers: [],
  hostFailures: 0,
  hostMessage: null,
  replaceable: true,
  ...changes,
});
const frames = (count: number, message = 'Segmentation fault') =>
  Array.from({ length: count }, (_, index) => ({ frame: `j/render ${index + 1}`, message }));

describe('quarantineReason', () => {
  it('names frames that others rendered, and what was said of them', () => {
    expect(quarantineReason(record({ renderedByOthers: frames(4) }))).toBe(
      'It failed with 4 frames that other workers rendered, and rendered none itself: ' +
        'j/render 1 (Segmentation fault), j/render 2 (Segmentation fault), j/render 3 (Segmentation fault) and 1 more',
    );
  });

  it('leaves a worker alone for two frames', () => {
    expect(quarantineReason(record({ renderedByOthers: frames(2) }))).toBeUndefined();
  });

  it('keeps away a machine that fails again and again, but never the last one for its work', () => {
    const broken = { hostFailures: 3, hostMessage: "The worker's disk is full." };
    expect(quarantineReason(record(broken))).toBe(
      "Its machine failed 3 times in a row: The worker's disk is full.",
    );
    expect(quarantineReason(record({ ...broken, replaceable: false }))).toBeUndefined();
    expect(quarantineReason(record({ ...broken, hostFailures: 2 }))).toBeUndefined();
  });

  it('fits into the orders of a worker, however long the messages are', () => {
    const long = 'x'.repeat(4_000);
    expect(quarantineReason(record({ renderedByOthers: frames(9, long) }))?.length).toBeLessThanOrEqual(500);
    expect(quarantineReason(record({ hostFailures: 9, hostMessage: long }))?.length).toBe(500);
  });
});
