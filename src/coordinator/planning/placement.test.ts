import { describe, expect, it } from 'vitest';
import { group, needs, snapshot, step, worker } from '../../../test/support/snapshots.ts';
import { planRound } from './plan-round.ts';
import type { GroupView, StepView } from './snapshot.ts';

const avoiding = (id: string, changes: Partial<StepView> = {}): StepView =>
  step({ ready: 1, needs: needs({ avoid: id }), ...changes });
const cutsOf = (steps: StepView[], groups: GroupView[]) =>
  planRound(snapshot({ steps, groups })).cuts.map(({ stepKey, worker: who, avoid }) => [stepKey, who, avoid]);

describe('frames that another worker is to have', () => {
  it('wait alone for one that is not to be avoided, before the others of their step', () => {
    const steps = [step({ key: '1', ready: 2 }), avoiding('g-w1', { key: '1' })];
    expect(cutsOf(steps, [group()])[0]).toEqual(['1', 'g-w2', 'g-w1']);
  });

  it('go into the common lane of a group that has other workers only', () => {
    const alone = group({ id: 'other', workers: [worker('other-w')] });
    const own = group({ id: 'g', workers: [worker('g-w1')] });
    expect(cutsOf([avoiding('g-w1')], [own, alone])).toEqual([['1', null, 'g-w1']]);
  });

  it('wait while the others are busy, and keep nobody from what is free meanwhile', () => {
    const busy = group({ workers: [worker('g-w1'), worker('g-w2', { freeSlots: 0 })] });
    const steps = [avoiding('g-w1', { key: '1' }), step({ key: '2', ready: 1 })];
    expect(cutsOf(steps, [busy])).toEqual([['2', null, undefined]]);
  });

  it('go to the same worker again where no other one can render them', () => {
    const own = group({ workers: [worker('g-w1')] });
    expect(cutsOf([avoiding('g-w1')], [own])).toEqual([['1', null, 'g-w1']]);
  });

  it('go to another whole machine, which is not emptied for them', () => {
    const whole = { needs: needs({ cores: 'all', avoid: 'g-w1' }) };
    expect(cutsOf([avoiding('g-w1', whole)], [group()])).toEqual([['1', 'g-w2', 'g-w1']]);
    const busy = group({ workers: [worker('g-w1'), worker('g-w2', { freeSlots: 1 })] });
    expect(planRound(snapshot({ steps: [avoiding('g-w1', whole)], groups: [busy] }))).toEqual({
      cuts: [],
      reservations: [],
    });
  });
});
