import { describe, expect, it } from 'vitest';
import { group, needs, snapshot, step, task, worker } from '../../../test/support/snapshots.ts';
import { planRound } from './plan-round.ts';
import type { Snapshot, StepView, WorkerView } from './snapshot.ts';

const keys = (view: Snapshot): string[] => planRound(view).cuts.map((cut) => cut.stepKey);
const groupsOf = (view: Snapshot): string[] => planRound(view).cuts.map((cut) => cut.group);
const slotsIn = (slots: number) => [group({ slots, workers: [worker('w', { freeSlots: slots })] })];
const tasksOf = (stepKey: string, count: number, changes: Parameters<typeof task>[0] = {}) =>
  Array.from({ length: count }, (_, index) =>
    task({ key: `${stepKey}-${index}`, stepKey, worker: 'other', ...changes }),
  );

describe('order', () => {
  it('is strictly by level', () => {
    const steps = [step({ key: 'low', priority: 10 }), step({ key: 'high', priority: 90, ready: 3 })];
    expect(keys(snapshot({ steps }))).toEqual(['high', 'high', 'high', 'low']);
  });

  it('gives previews of a level first, one frame each, but never before a higher level', () => {
    const steps = [
      step({ key: 'old', submittedAtMs: 0 }),
      step({ key: 'preview', submittedAtMs: 9, previewReady: 2, secondsPerFrame: 1 }),
      step({ key: 'high', priority: 60, ready: 1 }),
    ];
    const { cuts } = planRound(snapshot({ steps }));
    expect(cuts.map((cut) => cut.stepKey)).toEqual(['high', 'preview', 'preview', 'old']);
    expect(cuts.map((cut) => cut.frames)).toEqual([1, 1, 1, 1]);
  });

  it('shares slots between projects by weight, and in a project between owners, then jobs', () => {
    const of = (key: string, project: string, owner: string) => step({ key, project, owner });
    const steps = [
      of('film-anna-1', 'film', 'anna'),
      of('film-anna-2', 'film', 'anna'),
      of('film-ben', 'film', 'ben'),
      of('ad', 'ad', 'cleo'),
    ];
    const rules = { shares: [{ kind: 'project' as const, name: 'film', weight: 3 }] };
    const got = count(keys(snapshot({ steps, rules, groups: slotsIn(16) })));
    expect(got).toEqual({ ad: 4, 'film-ben': 6, 'film-anna-1': 3, 'film-anna-2': 3 });
  });

  it('counts what each has in use now', () => {
    const steps = [step({ key: 'busy', project: 'a' }), step({ key: 'new', project: 'b', submittedAtMs: 9 })];
    const tasks = tasksOf('busy', 3, { project: 'a' });
    expect(count(keys(snapshot({ steps, tasks, groups: slotsIn(5) })))).toEqual({ busy: 1, new: 4 });
  });

  it('counts what each has used lately', () => {
    const steps = [
      step({ key: 'spent', project: 'a' }),
      step({ key: 'saved', project: 'b', submittedAtMs: 9 }),
    ];
    const used = { project: new Map([['a', 2 * 433]]), owner: new Map(), job: new Map() };
    expect(count(keys(snapshot({ steps, used, groups: slotsIn(4) })))).toEqual({ spent: 1, saved: 3 });
  });

  it('lets the older job go first among equals, then the earlier step of a job', () => {
    const steps = [
      step({ key: 'young', submittedAtMs: 5 }),
      step({ key: 'second', jobId: 'j', position: 1, ready: 1 }),
      step({ key: 'first', jobId: 'j', position: 0, ready: 1 }),
    ];
    expect(keys(snapshot({ steps, groups: slotsIn(3) }))).toEqual(['first', 'young', 'second']);
  });

  it('does not let newcomers that never had anything push aside one that is far below its share', () => {
    const used = { project: new Map(), owner: new Map(), job: new Map([['job-old', 30]]) };
    const steps = [
      step({ key: 'old', ready: 1 }),
      ...['n1', 'n2'].map((key) => step({ key, submittedAtMs: 60_000, ready: 1 })),
    ];
    const tasks = ['a', 'b', 'c'].flatMap((key) => tasksOf(key, 2));
    expect(keys(snapshot({ steps, used, tasks, groups: slotsIn(1) }))).toEqual(['old']);
  });

  it('leaves the old its part however many newcomers wait', () => {
    const used = { project: new Map(), owner: new Map(), job: new Map([['job-old', 30]]) };
    const newcomers = Array.from({ length: 1_000 }, (_, index) =>
      step({ key: `n${index}`, submittedAtMs: 60_000, ready: 1 }),
    );
    const tasks = ['a', 'b', 'c'].flatMap((key) => tasksOf(key, 2));
    const steps = [step({ key: 'old' }), ...newcomers];
    expect(count(keys(snapshot({ steps, used, tasks, groups: slotsIn(2) })))).toEqual({ old: 1, n0: 1 });
  });
});

describe('limits', () => {
  it.each<[string, Partial<StepView>, Parameters<typeof snapshot>[0]]>([
    [
      'of a project',
      { project: 'film' },
      { rules: { limits: [{ kind: 'project', name: 'film', running: 3 }] } },
    ],
    ['of an owner', { owner: 'ben' }, { rules: { limits: [{ kind: 'owner', name: 'ben', running: 3 }] } }],
    [
      'of a licence pool',
      { licences: ['nuke'] },
      { rules: { limits: [{ kind: 'licence', name: 'nuke', running: 3 }] } },
    ],
    ['of the job itself', { jobLimit: 3 }, {}],
  ])('%s are kept, open tasks counted; others go on', (_, limited, changes) => {
    const base = { project: 'p', owner: 'o', ...limited };
    const tasks = tasksOf('limited', 1, { ...base, licences: limited.licences ?? [] });
    const steps = [step({ key: 'limited', priority: 90, ...base }), step({ key: 'other', priority: 1 })];
    const got = count(keys(snapshot({ steps, tasks, groups: slotsIn(6), ...changes })));
    expect(got).toEqual({ limited: 2, other: 4 });
  });

  it('of an engine hold for all its steps together', () => {
    const rules = { limits: [{ kind: 'engine' as const, name: 'null', running: 2 }] };
    expect(keys(snapshot({ steps: [step({ key: 'a' }), step({ key: 'b' })], rules }))).toEqual(['a', 'b']);
  });

  it('of zero let nothing run', () => {
    const rules = { limits: [{ kind: 'owner' as const, name: 'anna', running: 0 }] };
    expect(keys(snapshot({ rules }))).toEqual([]);
  });
});

describe('guarantees', () => {
  const pool = group({ id: 'pool', tags: new Set(['gpu-room']), workers: [worker('p1'), worker('p2')] });
  const rest = group({ id: 'rest', workers: [worker('r1')] });
  const rules = { guarantees: [{ project: 'film', pool: 'gpu-room', slots: 3 }] };

  it('go before all others, whatever their level, and no further than their slots', () => {
    const steps = [
      step({ key: 'urgent', project: 'ad', priority: 99 }),
      step({ key: 'film', project: 'film', priority: 1 }),
    ];
    const { cuts } = planRound(snapshot({ steps, rules, groups: [pool, rest] }));
    expect(count(cuts.filter((cut) => cut.group === 'pool').map((cut) => cut.stepKey))).toEqual({
      film: 3,
      urgent: 1,
    });
    expect(count(cuts.filter((cut) => cut.group === 'rest').map((cut) => cut.stepKey))).toEqual({
      urgent: 2,
    });
  });

  it('count what the project has there already', () => {
    const steps = [
      step({ key: 'urgent', project: 'ad', priority: 99 }),
      step({ key: 'film', project: 'film' }),
    ];
    const tasks = tasksOf('film', 2, { project: 'film', group: 'pool' });
    expect(keys(snapshot({ steps, rules, tasks, groups: [pool] }))).toEqual([
      'film',
      'urgent',
      'urgent',
      'urgent',
    ]);
  });

  it('have the same part of what waits in a lane as of the slots', () => {
    const workers = [worker('p1', { freeSlots: 0 }), worker('p2', { freeSlots: 0 })];
    const busy = group({ ...pool, workers, window: 2 });
    const steps = [
      step({ key: 'urgent', project: 'ad', priority: 99 }),
      step({ key: 'film', project: 'film' }),
    ];
    const having = (slots: number) => tasksOf('film', slots, { project: 'film', group: 'pool' });
    const next = (slots: number) => keys(snapshot({ steps, rules, tasks: having(slots), groups: [busy] }));
    // 3 of 4 slots, and so 4.5 of those with the two places to wait in.
    expect(next(3)).toEqual(['film', 'film']);
    expect(next(4)).toEqual(['film', 'urgent']);
    expect(next(5)).toEqual(['urgent', 'urgent']);
  });

  it('are borrowed while nobody uses them', () => {
    const steps = [step({ key: 'other', project: 'ad' })];
    expect(keys(snapshot({ steps, rules, groups: [pool] }))).toHaveLength(4);
  });
});

describe('where a task goes', () => {
  const site = (id: string, changes: Parameters<typeof group>[0] = {}) => group({ id, site: id, ...changes });

  it('is only where it fits', () => {
    const steps = [step({ needs: needs({ tags: ['x'] }), ready: 9 })];
    const groups = [group({ id: 'a' }), group({ id: 'b', tags: new Set(['x']) })];
    expect(new Set(groupsOf(snapshot({ steps, groups })))).toEqual(new Set(['b']));
  });

  it('is the preferred site, and another only when there is no room', () => {
    const steps = [step({ needs: needs({ preferSite: 'b' }), ready: 5 })];
    const groups = [site('a', { workers: [worker('a1'), worker('a2'), worker('a3')] }), site('b')];
    expect(groupsOf(snapshot({ steps, groups }))).toEqual(['b', 'b', 'b', 'b', 'a']);
  });

  it('keeps GPUs for those who need them while others have room', () => {
    const groups = [
      group({ id: 'gpu', gpus: 2, workers: [worker('x', { freeSlots: 2 }), worker('y')] }),
      group({ id: 'plain' }),
    ];
    const steps = [step({ ready: 5 })];
    expect(groupsOf(snapshot({ steps, groups }))).toEqual(['plain', 'plain', 'plain', 'plain', 'gpu']);
  });

  describe('while frames wait that need GPUs', () => {
    const gpus = (workers: WorkerView[], window?: number) => [
      group({ id: 'gpu', gpus: 1, workers, ...(window === undefined ? {} : { window }) }),
      group({ id: 'plain', workers: [worker('p', { freeSlots: 0 })], window: 1 }),
    ];
    const plain = step({ key: 'plain', project: 'film', ready: 9 });
    const lit = step({ key: 'lit', project: 'ad', submittedAtMs: 9, needs: needs({ gpus: 1 }) });

    it('they take the workers that have room for them first, even if others came before', () => {
      const { cuts } = planRound(snapshot({ steps: [plain, lit], groups: gpus([worker('a'), worker('b')]) }));
      expect(cuts.map((cut) => `${cut.stepKey} ${cut.group}`)).toEqual([
        'lit gpu',
        'plain gpu',
        'plain gpu',
        'plain plain',
      ]);
    });

    it('they do not when they have their fair share', () => {
      const tasks = tasksOf('lit', 4, { project: 'ad', group: 'gpu', slots: 2 });
      const busy = tasksOf('plain', 1, { project: 'film' });
      const { cuts } = planRound(
        snapshot({
          steps: [plain, lit],
          tasks: [...tasks, ...busy],
          groups: gpus([worker('a'), worker('b')]),
        }),
      );
      expect(cuts.map((cut) => cut.stepKey)).not.toContain('lit');
    });

    it('nothing else is queued behind busy GPUs', () => {
      const busy = gpus([worker('a', { freeSlots: 0 }), worker('b', { freeSlots: 0 })], 2);
      const queued = (steps: StepView[]) => groupsOf(snapshot({ steps, groups: busy }));
      expect(queued([plain])).toEqual(['plain', 'gpu', 'gpu']);
      expect(queued([plain, lit])).toEqual(['plain']);
    });
  });

  it('keeps much memory and rare tags for those who need them', () => {
    const groups = [
      group({ id: 'tagged', tags: new Set(['rare']) }),
      group({ id: 'large', memoryBytesPerSlot: 64e9 }),
      group({ id: 'plain', workers: [worker('p')] }),
    ];
    const order = groupsOf(snapshot({ steps: [step({ ready: 8 })], groups }));
    expect(order).toEqual([...repeat('plain', 2), ...repeat('tagged', 4), ...repeat('large', 2)]);
  });

  it('is a worker that has the scene loaded, up to what it has free; then one that has its files', () => {
    const workers = [
      worker('none'),
      worker('files', { cached: new Set(['s']) }),
      worker('loaded', { warm: new Set(['s']) }),
    ];
    const { cuts } = planRound(
      snapshot({ steps: [step({ asset: 's', ready: 5 })], groups: [group({ workers })] }),
    );
    expect(cuts.map((cut) => cut.worker)).toEqual(['loaded', 'loaded', 'files', 'files', null]);
  });

  it('is the site that has the files, when none is asked for', () => {
    const groups = [site('a'), site('b', { workers: [worker('b1', { cached: new Set(['s']) })] })];
    expect(groupsOf(snapshot({ steps: [step({ asset: 's', ready: 3 })], groups }))).toEqual(['b', 'b', 'a']);
  });

  it('while all are busy, waits where its scene is loaded', () => {
    const workers = [
      worker('none', { freeSlots: 0 }),
      worker('loaded', { freeSlots: 0, warm: new Set(['s']) }),
    ];
    const { cuts } = planRound(
      snapshot({ steps: [step({ asset: 's', ready: 2 })], groups: [group({ workers, window: 2 })] }),
    );
    expect(cuts.map((cut) => cut.worker)).toEqual(['loaded', 'loaded']);
  });

  it('is any worker of the group when as many wait where its scene is loaded as have slots there', () => {
    const workers = [
      worker('none', { freeSlots: 0 }),
      worker('loaded', { freeSlots: 0, homeQueued: 1, warm: new Set(['s']) }),
    ];
    const { cuts } = planRound(
      snapshot({ steps: [step({ asset: 's', ready: 3 })], groups: [group({ workers, window: 3 })] }),
    );
    expect(cuts.map((cut) => cut.worker)).toEqual(['loaded', null, null]);
  });

  it('does not wait where its scene is loaded while another idles', () => {
    const workers = [worker('idle'), worker('loaded', { freeSlots: 0, warm: new Set(['s']) })];
    const { cuts } = planRound(
      snapshot({ steps: [step({ asset: 's', ready: 1 })], groups: [group({ workers })] }),
    );
    expect(cuts.map((cut) => cut.worker)).toEqual([null]);
  });

  it('is the group with the most room among equals', () => {
    const groups = [group({ id: 'a', workers: [worker('a1')] }), group({ id: 'b' })];
    expect(groupsOf(snapshot({ steps: [step({ ready: 2 })], groups }))).toEqual(['b', 'b']);
  });

  it('is the highest version that the range admits, and one version only', () => {
    const offering = (id: string, version: string) => group({ id, engines: new Map([['null', version]]) });
    const groups = [offering('old', '1.9.0'), offering('new', '1.10.0'), offering('next', '2.0.0')];
    const ranged = needs({ engineVersion: null, versionRange: '<2' });
    expect(groupsOf(snapshot({ steps: [step({ needs: ranged, ready: 9 })], groups }))).toEqual(
      repeat('new', 4),
    );
  });
});

describe('big tasks', () => {
  const whole = step({ key: 'whole', needs: needs({ cores: 'all' }), ready: 1 });

  it('take a worker that has enough free', () => {
    const workers = [worker('w1', { freeSlots: 1 }), worker('w2')];
    const { cuts, reservations } = planRound(snapshot({ steps: [whole], groups: [group({ workers })] }));
    expect(cuts).toEqual([expect.objectContaining({ slots: 2, worker: 'w2', gpus: 0 })]);
    expect(reservations).toEqual([]);
  });

  it('have the worker emptied that is free the soonest, and its slots are not given to small ones', () => {
    const workers = [worker('w1', { freeSlots: 1 }), worker('w2', { freeSlots: 1 })];
    const tasks = [
      task({ key: 'a', worker: 'w1', framesLeft: 9 }),
      task({ key: 'b', worker: 'w2', framesLeft: 2 }),
    ];
    const small = step({ key: 'small', submittedAtMs: 1, project: 'b' });
    const { cuts, reservations } = planRound(
      snapshot({
        nowMs: 7,
        steps: [{ ...whole, project: 'a' }, small],
        tasks: tasks.map((one) => ({ ...one, project: 'b' })),
        groups: [group({ workers })],
      }),
    );
    expect(reservations).toEqual([{ worker: 'w2', group: 'g', slots: 2, stepKey: 'whole', sinceMs: 7 }]);
    expect(cuts).toEqual([expect.objectContaining({ stepKey: 'small' })]);
  });

  const kept = { worker: 'w2', group: 'g', slots: 2, stepKey: 'whole', sinceMs: 3 };

  it('keep their worker, and get it when it is empty', () => {
    const busy = [worker('w1', { freeSlots: 0 }), worker('w2', { freeSlots: 1, reserving: kept })];
    const waiting = snapshot({ nowMs: 9, steps: [whole], groups: [group({ workers: busy })] });
    expect(planRound(waiting)).toEqual({ cuts: [], reservations: [kept] });
    const empty = [worker('w1', { freeSlots: 0 }), worker('w2', { freeSlots: 2, reserving: kept })];
    const { cuts, reservations } = planRound(
      snapshot({ steps: [whole], groups: [group({ workers: empty })] }),
    );
    expect(cuts).toEqual([expect.objectContaining({ stepKey: 'whole', worker: 'w2', slots: 2 })]);
    expect(reservations).toEqual([]);
  });

  it('reserve no worker for which work of a higher level waits', () => {
    const workers = [worker('w1', { freeSlots: 0 }), worker('w2', { freeSlots: 0, reserving: kept })];
    const steps = [whole, step({ key: 'urgent', priority: 90 })];
    expect(planRound(snapshot({ steps, groups: [group({ workers })] })).reservations).toEqual([]);
  });

  it('have at most a quarter of a group emptied', () => {
    const workers = Array.from({ length: 8 }, (_, index) => worker(`w${index}`, { freeSlots: 1 }));
    const steps = Array.from({ length: 5 }, (_, index) => ({
      ...whole,
      key: `b${index}`,
      jobId: `b${index}`,
    }));
    expect(planRound(snapshot({ steps, groups: [group({ workers })] })).reservations).toHaveLength(2);
  });

  it('carry their GPUs', () => {
    const groups = [group({ gpus: 2, slots: 4, workers: [worker('w', { freeSlots: 4 })] })];
    const steps = [step({ needs: needs({ gpus: 1 }), ready: 1 })];
    expect(planRound(snapshot({ steps, groups })).cuts).toEqual([
      expect.objectContaining({ gpus: 1, slots: 2, worker: 'w' }),
    ]);
  });
});

describe('chunks', () => {
  it('last about the target time, and shrink towards the end', () => {
    const steps = [step({ secondsPerFrame: 1, ready: 100 })];
    expect(planRound(snapshot({ steps })).cuts.map((cut) => cut.frames)).toEqual([13, 11, 10, 9]);
  });

  it('are one frame until one was measured', () => {
    const steps = [step({ secondsPerFrame: null })];
    expect(planRound(snapshot({ steps })).cuts.map((cut) => cut.frames)).toEqual([1, 1, 1, 1]);
  });

  it('are what the job says, and no more than a message takes', () => {
    const steps = [
      step({ chunk: 40, ready: 50 }),
      step({ key: 'long', priority: 1, chunk: 99, maxFrames: 30 }),
    ];
    expect(planRound(snapshot({ steps })).cuts.map((cut) => cut.frames)).toEqual([40, 10, 30, 30]);
  });

  it('of a sequential step are one at a time', () => {
    const steps = [step({ chunk: 'sequential' })];
    expect(planRound(snapshot({ steps })).cuts.map((cut) => cut.frames)).toEqual([100]);
    expect(keys(snapshot({ steps, tasks: tasksOf('1', 1) }))).toEqual([]);
  });

  it('of frames that ran out of memory go before those behind them', () => {
    const again = step({ key: '1', variantMemoryBytes: 16e9, ready: 1, needs: needs({ memoryBytes: 16e9 }) });
    const { cuts } = planRound(snapshot({ steps: [step(), again] }));
    expect(cuts[0]).toMatchObject({ variantMemoryBytes: 16e9, frames: 1, slots: 2 });
  });
});

const repeat = (text: string, times: number): string[] => Array.from({ length: times }, () => text);

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
