import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packFrames, unpackFrames } from './frame-runs.ts';
import type { FrameChange } from './messages.ts';

const change = fc.record<FrameChange>({
  step: fc.constantFrom('render', 'encode'),
  number: fc.integer({ min: -3, max: 20 }),
  state: fc.constantFrom('running', 'done', 'failed'),
  generation: fc.constantFrom(1, 2),
  worker: fc.constantFrom(null, 'w1'),
  seconds: fc.constantFrom(null, 1.5),
  error: fc.constantFrom(null, 'out of memory'),
});
const byPlace = (a: FrameChange, b: FrameChange): number =>
  a.step === b.step ? a.number - b.number : a.step < b.step ? -1 : 1;

describe('packFrames', () => {
  it('makes one run of neighbours that changed alike', () => {
    const alike = { step: 'render', state: 'done', generation: 1, worker: 'w1', error: null } as const;
    const changes = [7, 5, 6, 9].map((number) => ({ ...alike, number, seconds: number / 10 }));
    expect(packFrames(changes)).toEqual([
      { ...alike, first: 5, seconds: [0.5, 0.6, 0.7] },
      { ...alike, first: 9, seconds: [0.9] },
    ]);
  });

  it('loses nothing', () => {
    const unique = fc.uniqueArray(change, { selector: ({ step, number }) => `${step}/${number}` });
    fc.assert(
      fc.property(unique, (changes) => {
        expect(unpackFrames(packFrames(changes))).toEqual(changes.toSorted(byPlace));
      }),
    );
  });
});
