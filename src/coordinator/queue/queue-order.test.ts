import { expect, it } from 'vitest';
import { group, needs, snapshot, step, task, worker } from '../../../test/support/snapshots.ts';
import { queueOrder } from './queue-order.ts';
import { queueView } from './queue-view.ts';

const turns = (...args: Parameters<typeof queueOrder>): [string, string][] =>
  queueOrder(...args).map((place) => [place.jobId, place.turn]);

it('goes as dispatch goes: guarantees, levels, previews, shares', () => {
  const steps = [
    step({ key: 'low', priority: 10 }),
    step({ key: 'old', submittedAtMs: 1, project: 'a' }),
    step({ key: 'new', submittedAtMs: 2, project: 'b' }),
    step({ key: 'preview', submittedAtMs: 3, previewReady: 2 }),
    step({ key: 'promised', submittedAtMs: 4, priority: 1, project: 'film' }),
  ];
  const tasks = [task({ stepKey: 'old', project: 'a' })];
  const rules = { guarantees: [{ project: 'film', pool: '*', slots: 2 }] };
  expect(turns(snapshot({ steps, tasks, rules }), 10)).toEqual([
    ['job-promised', 'guarantee'],
    ['job-preview', 'preview'],
    ['job-new', 'share'],
    ['job-old', 'share'],
    ['job-low', 'share'],
  ]);
  expect(turns(snapshot({ steps, tasks, rules }), 2)).toHaveLength(2);
});

it('says why in words with figures', () => {
  const steps = [step({ key: 'busy', project: 'a' }), step({ key: 'new', project: 'b', submittedAtMs: 9 })];
  const tasks = Array.from({ length: 3 }, (_, n) => task({ key: `t${n}`, stepKey: 'busy', project: 'a' }));
  expect(queueOrder(snapshot({ steps, tasks }), 10).map(({ jobId, text }) => [jobId, text])).toEqual([
    ['job-new', 'Project b has nothing, now or lately.'],
    ['job-busy', 'Project a has had 3.0 slots, now and lately; 3.0 would be a fair share.'],
  ]);
});

it('lets those who may have nothing stand where they would, and says what keeps them', () => {
  const steps = [
    step({ key: 'first', submittedAtMs: 0 }),
    step({ key: 'limited', submittedAtMs: 1, needs: needs({ engine: 'blender' }) }),
    step({ key: 'behind', submittedAtMs: 2, needs: needs({ engine: 'blender' }) }),
    step({ key: 'homeless', submittedAtMs: 3, needs: needs({ engine: 'maya' }) }),
    step({ key: 'chain', submittedAtMs: 4, chunk: 'sequential' }),
  ];
  const groups = [
    group({
      engines: new Map([
        ['null', '1.0.0'],
        ['blender', '1.0.0'],
      ]),
    }),
  ];
  const tasks = [
    task({ key: 'x', stepKey: 'chain', owner: 'anna' }),
    task({ key: 'y', stepKey: 'other', engine: 'blender' }),
  ];
  const rules = { limits: [{ kind: 'engine' as const, name: 'blender', running: 2 }] };
  const places = queueOrder(snapshot({ steps, groups, tasks, rules }), 10);
  expect(places.map(({ jobId, turn }) => [jobId, turn])).toEqual([
    ['job-first', 'share'],
    ['job-limited', 'share'],
    ['job-behind', 'limit'],
    ['job-homeless', 'no-worker'],
    ['job-chain', 'sequential'],
  ]);
  expect(places[2]?.text).toBe(
    'It waits for a limit (engine blender: 1 of 2 in use); those before it take the last 1 place.',
  );
});

it('is one place a step, however many piles its frames are for planning', () => {
  const steps = [step({ ready: 5 }), step({ ready: 3, variantMemoryBytes: 9e9 })];
  const [place, ...others] = queueOrder(snapshot({ steps }), 10);
  expect([place?.ready, others]).toEqual([8, []]);
});

it('shares all slots by weight between those that have or want something', () => {
  const view = queueView(
    snapshot({
      steps: [step({ key: 'a', project: 'film' })],
      tasks: [task({ project: 'ads' })],
      groups: [group({ slots: 4, workers: [worker('w', { freeSlots: 3 })] })],
      rules: { shares: [{ kind: 'project', name: 'film', weight: 3 }] },
    }),
    10,
    60_000,
  );
  expect(view.projects).toEqual([
    { project: 'ads', weight: 1, slots: 1, ready: 0, fairSlots: 1 },
    { project: 'film', weight: 3, slots: 0, ready: 100, fairSlots: 3 },
  ]);
  expect(view).toMatchObject({ steps: 1, frames: 100, order: [{ waitedSeconds: 60 }] });
  expect(view.groups).toEqual([
    { group: 'g', workers: 1, slots: 4, freeSlots: 3, engines: ['null 1.0.0'], site: null, tags: [] },
  ]);
});
