import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { group, snapshot, step, worker } from '../../../test/support/snapshots.ts';
import { planRound } from './plan-round.ts';

describe('previews', () => {
  it('of all steps of a level are done before anything else of it, whoever has had what', () => {
    const anyStep = fc.record({
      project: fc.constantFrom('a', 'b'),
      priority: fc.constantFrom(10, 50),
      ready: fc.integer({ min: 3, max: 20 }),
      previewReady: fc.integer({ min: 0, max: 3 }),
      submittedAtMs: fc.nat(9),
      secondsPerFrame: fc.constantFrom(null, 1, 30),
    });
    fc.assert(
      fc.property(
        fc.array(anyStep, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (all, room) => {
          const steps = all.map((one, index) => step({ key: `s${index}`, ...one }));
          const { cuts } = planRound(
            snapshot({
              steps,
              groups: [group({ slots: room, workers: [worker('w', { freeSlots: room })] })],
            }),
          );
          const left = new Map(steps.map((one) => [one.key, one.previewReady]));
          for (const { stepKey, frames } of cuts) {
            const { priority } = steps.find(({ key }) => key === stepKey) ?? step();
            const previews = left.get(stepKey) ?? 0;
            if (previews > 0) {
              expect(frames).toBe(1);
              left.set(stepKey, previews - 1);
            } else {
              const waiting = steps.filter((one) => one.priority >= priority && (left.get(one.key) ?? 0) > 0);
              expect(waiting).toEqual([]);
            }
          }
        },
      ),
      { seed: 2 },
    );
  });
});
