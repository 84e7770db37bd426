import { describe, expect, it } from 'vitest';
import { group, needs, snapshot, step, task, worker } from '../../../test/support/snapshots.ts';
import { planTakeBack } from './plan-take-back.ts';
import type { Snapshot } from './snapshot.ts';

const back = (view: Snapshot): string[] => planTakeBack(view).map(({ taskKey, why }) => `${taskKey} ${why}`);
const busy = group({ workers: [worker('w1', { freeSlots: 0 }), worker('w2', { freeSlots: 0 })] });
const urgent = step({ key: 'urgent', priority: 90, preempt: true, ready: 2 });

describe('work that preempts', () => {
  const tasks = [
    task({ key: 'short', priority: 10, framesLeft: 3 }),
    task({ key: 'long', priority: 10, framesLeft: 9 }),
    task({ key: 'middle', priority: 40, framesLeft: 20 }),
    task({ key: 'equal', priority: 90, framesLeft: 20 }),
  ];

  it('has as many tasks give way as it needs: the lowest priority, then the most frames left', () => {
    expect(back(snapshot({ steps: [urgent], groups: [busy], tasks }))).toEqual([
      'long preempt',
      'short preempt',
    ]);
  });

  it('takes from nobody of its own level or above, and only if it asked for it', () => {
    const [equal] = tasks.slice(3);
    expect(back(snapshot({ steps: [urgent], groups: [busy], tasks: equal ? [equal] : [] }))).toEqual([]);
    expect(back(snapshot({ steps: [{ ...urgent, preempt: false }], groups: [busy], tasks }))).toEqual([]);
  });

  it('takes nothing while slots are free for it', () => {
    const free = group({ workers: [worker('w1', { freeSlots: 2 }), worker('w2', { freeSlots: 0 })] });
    expect(back(snapshot({ steps: [urgent], groups: [free], tasks: tasks.slice(0, 2) }))).toEqual([]);
  });

  it('waits for tasks that end with their frame or give way already', () => {
    const ending = [
      task({ key: 'last', priority: 40, framesLeft: 1 }),
      task({ key: 'told', priority: 10, releasing: true }),
      task({ key: 'other', priority: 10 }),
    ];
    expect(back(snapshot({ steps: [urgent], groups: [busy], tasks: ending }))).toEqual([]);
  });

  it('takes no more than its limit lets run', () => {
    const steps = [{ ...urgent, jobLimit: 1 }];
    expect(back(snapshot({ steps, groups: [busy], tasks }))).toEqual(['long preempt']);
  });

  it('takes nothing where it does not fit', () => {
    const steps = [{ ...urgent, needs: needs({ tags: ['x'] }) }];
    expect(back(snapshot({ steps, groups: [busy], tasks }))).toEqual([]);
  });

  it('has tasks give way for what waits in a lane already', () => {
    const queued = task({
      key: 'queued',
      stepKey: 'urgent',
      priority: 90,
      preempt: true,
      state: 'queued',
      worker: null,
    });
    expect(back(snapshot({ steps: [], groups: [busy], tasks: [...tasks, queued] }))).toEqual([
      'long preempt',
    ]);
  });

  it('gets a whole worker by emptying the one that is kept for it', () => {
    const kept = { worker: 'w2', group: 'g', slots: 2, stepKey: 'urgent', sinceMs: 0 };
    const groups = [
      group({ workers: [worker('w1', { freeSlots: 0 }), worker('w2', { freeSlots: 0, reserving: kept })] }),
    ];
    const steps = [{ ...urgent, needs: needs({ cores: 'all' }) }];
    const own = ['a', 'b', 'c', 'd'].map((key, index) =>
      task({ key, priority: 10, worker: index < 2 ? 'w1' : 'w2', framesLeft: 9 - index }),
    );
    expect(back(snapshot({ steps, groups, tasks: own }))).toEqual(['c preempt', 'd preempt']);
  });
});

describe('a reservation', () => {
  const kept = { worker: 'w1', group: 'g', slots: 2, stepKey: 'whole', sinceMs: 0 };
  const groups = [group({ workers: [worker('w1', { freeSlots: 0, reserving: kept })] })];
  const steps = [step({ key: 'whole', needs: needs({ cores: 'all' }), ready: 1 })];
  const tasks = [
    task({ key: 'many', worker: 'w1', framesLeft: 50 }),
    task({ key: 'last', worker: 'w1', framesLeft: 1 }),
    task({ key: 'elsewhere', worker: 'w2', framesLeft: 50 }),
  ];

  it('waits a minute for tasks to end, then asks for their rest', () => {
    expect(back(snapshot({ nowMs: 59_000, steps, groups, tasks }))).toEqual([]);
    expect(back(snapshot({ nowMs: 61_000, steps, groups, tasks }))).toEqual(['many reservation']);
  });
});

describe('idle slots', () => {
  const groups = [group({ workers: [worker('w1', { freeSlots: 0 }), worker('w2', { freeSlots: 2 })] })];
  const straggler = task({ key: 'straggler', worker: 'w1', framesLeft: 10, secondsPerFrame: 5 });

  it('get the rest of the longest tasks, as much as they can take', () => {
    const tasks = [
      task({ key: 'short', worker: 'w1', framesLeft: 3, secondsPerFrame: 5 }),
      straggler,
      task({ key: 'shorter', worker: 'w1', framesLeft: 2, secondsPerFrame: 6 }),
    ];
    expect(back(snapshot({ steps: [], groups, tasks }))).toEqual(['straggler straggler']);
    const wide = [
      group({
        workers: [worker('w1', { freeSlots: 0 }), ...['a', 'b', 'c', 'd', 'e'].map((id) => worker(id))],
      }),
    ];
    expect(back(snapshot({ steps: [], groups: wide, tasks }))).toEqual([
      'straggler straggler',
      'short straggler',
    ]);
  });

  it.each([
    ['there is still work to cut', { steps: [step()] }, {}],
    ['it has one frame left', {}, { framesLeft: 1 }],
    ['its rest is done in no time', {}, { secondsPerFrame: 0.1 }],
    ['its chunks are as the job says', {}, { adaptive: false }],
    ['it has just begun', {}, { ageMs: 100 }],
    ['it gives its rest back already', {}, { releasing: true }],
    ['its job is at its limit', {}, { jobLimit: 1 }],
    ['it does not fit into the idle slots', {}, { needs: needs({ site: 'elsewhere' }) }],
  ])('get nothing when %s', (_, changes, taskChanges) => {
    const tasks = [{ ...straggler, ...taskChanges }];
    expect(back(snapshot({ steps: [], groups, tasks, ...changes }))).toEqual([]);
  });

  it('get what waits for a busy worker, after a moment', () => {
    const home = task({ key: 'home', state: 'queued', worker: 'w1', ageMs: 3_000 });
    expect(back(snapshot({ steps: [], groups, tasks: [home] }))).toEqual(['home idle-elsewhere']);
    expect(back(snapshot({ steps: [], groups, tasks: [{ ...home, ageMs: 500 }] }))).toEqual([]);
    const nobodyIdle = [group({ workers: [worker('w1', { freeSlots: 0 }), worker('w2', { freeSlots: 0 })] })];
    expect(back(snapshot({ steps: [], groups: nobodyIdle, tasks: [home] }))).toEqual([]);
  });
});
