import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { manage } from '../support/manage.ts';
import type { HeldTask, ScriptedWorker } from '../support/scripted-worker.ts';

describe('what wranglers set', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const ask = (request: Record<string, unknown>) => manage(farm.context, request);
  const job = (id: string, more: Record<string, unknown> = {}) =>
    submit(farm.context, { version: 1, id, name: id, engine: 'null', frames: '1-4', chunk: 1, ...more });
  const pulls = (worker: ScriptedWorker): Promise<void> =>
    until(`${worker.id} knows its lanes`, () => worker.controls.some(({ type }) => type === 'lanes'));
  const known = async (...ids: string[]): Promise<void> =>
    until('the ledger knows the workers', async () => {
      const rows = await farm.context.ledger
        .selectFrom('workers')
        .select('id')
        .where('id', 'in', ids)
        .execute();
      return rows.length === ids.length;
    });
  const pauseOf = async (id: string) => {
    const row = await farm.context.ledger
      .selectFrom('workers')
      .select(['pause', 'timetable'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return row;
  };
  const events = (subject: string) =>
    farm.context.ledger
      .selectFrom('farm_events')
      .select(['verb', 'actor', 'message'])
      .where('subject', '=', subject)
      .orderBy('key')
      .execute();

  it('keeps a paused worker from work at once, says why, and lets it go on', async () => {
    const worker = await farm.work();
    await pulls(worker);
    await known('w1');
    const dry = await ask({ verb: 'worker-pause', workers: ['w1'], dryRun: true });
    expect(dry).toEqual({ ok: true, dryRun: true, message: 'Pauses w1.' });
    expect((await pauseOf('w1')).pause).toBeNull();
    expect(await events('w1')).toEqual([]);

    expect(await ask({ verb: 'worker-pause', workers: ['w1'], reason: 'new driver' })).toEqual({
      ok: true,
      message: 'Paused w1.',
    });
    const told = () => worker.controls.filter(({ type }) => type === 'orders').at(-1);
    await until('it is told', () => told() !== undefined);
    expect(told()).toEqual({
      type: 'orders',
      orders: { pause: { by: 'wrangler', reason: 'new driver', until: null }, timetable: null },
    });
    await job('waits');
    // Long enough for several rounds of dispatch: nothing may be given to it.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(worker.tasks).toEqual([]);
    expect(await ask({ verb: 'worker-pause', workers: ['w1'], reason: 'new driver' })).toMatchObject({
      ok: true,
      message: 'w1 is paused already.',
    });

    await ask({ verb: 'worker-resume', workers: ['w1'] });
    await jobWhen(farm.context, 'waits', 'completed');
    expect(await events('w1')).toEqual([
      { verb: 'worker-pause', actor: 'wanda', message: 'Paused w1.' },
      { verb: 'worker-resume', actor: 'wanda', message: 'w1 works again (w1: it was paused).' },
    ]);
  });

  it('does the same request once, and answers it the same', async () => {
    await farm.work();
    await known('w1');
    const request = { verb: 'worker-pause', workers: ['w1'], requestId: 'once' };
    const first = await ask(request);
    await ask({ verb: 'worker-resume', workers: ['w1'] });
    expect(await ask(request)).toEqual(first);
    expect((await pauseOf('w1')).pause).toBeNull();
    expect(await events('w1')).toHaveLength(2);
  });

  it('tells a worker its orders again when it has begun anew and does not know them', async () => {
    const before = await farm.work();
    await pulls(before);
    await known('w1');
    await ask({ verb: 'worker-timetable', workers: ['w1'], timetable: '19:00-08:00 and weekends' });
    await ask({ verb: 'worker-pause', workers: ['w1'] });
    before.goodbye();
    await before.stop();
    const after = await farm.work();
    await pulls(after);
    // With its lanes at the latest: there is no moment in which it could take something.
    const first = after.controls.find(({ type }) => type === 'orders' || type === 'lanes');
    expect(first).toMatchObject({
      orders: { pause: { by: 'wrangler' }, timetable: '19:00-08:00 and weekends' },
    });
  });

  it('gives a machine back to its owner until its timetable begins, as the worker tells it', async () => {
    const held: HeldTask[] = [];
    const worker = await farm.work({
      handle: async (task) => {
        held.push(task);
        await task.started();
      },
    });
    await pulls(worker);
    await job('j');
    await jobWhen(farm.context, 'j', ({ frames }) => frames.running === 2);
    const reply = await ask({ verb: 'worker-give-back', workers: ['w1'] });
    expect(reply.message).toBe(
      'Gave w1 back to its owner until ./farmhand workers ID resume; 2 tasks under way are rendered elsewhere, with no attempt used up.',
    );
    await until('it is told', () => worker.controls.some(({ type }) => type === 'give-back'));
    expect(worker.controls.filter(({ type }) => type === 'orders').at(-1)).toMatchObject({
      orders: { pause: { by: 'owner', until: null } },
    });
    // The worker knows by its own clock when it may work again.
    const orders = await pauseOf('w1');
    worker.facts = {
      pause: { ...orders.pause!, until: new Date(Date.now() + 1_500).toISOString() },
    };
    worker.beat();
    await until(
      'the farm knows until when',
      async () => typeof (await pauseOf('w1')).pause?.until === 'string',
    );
    worker.facts = {};
    await until('it may work again', async () => (await pauseOf('w1')).pause === null);
    await until('it was told so', () => {
      const last = worker.controls.filter(({ type }) => type === 'orders').at(-1);
      return last?.type === 'orders' && last.orders.pause === null;
    });
    expect((await events('w1')).map(({ verb }) => verb)).toEqual(['worker-give-back', 'worker-resume']);
  });

  it('drains workers, and says which are not there', async () => {
    const worker = await farm.work();
    const leaving = await farm.work({ id: 'w2' });
    await known('w1', 'w2');
    leaving.goodbye();
    await until('w2 is offline', async () => {
      const rows = await farm.context.ledger
        .selectFrom('workers')
        .select('state')
        .where('id', '=', 'w2')
        .execute();
      return rows[0]?.state === 'offline';
    });
    expect(await ask({ verb: 'worker-drain', workers: ['w1', 'w2'], dryRun: true })).toMatchObject({
      message: expect.stringMatching(/^Drains w1; then its process ends\./) as unknown,
    });
    expect(worker.controls.some(({ type }) => type === 'drain')).toBe(false);
    await ask({ verb: 'worker-drain', workers: ['w1'] });
    await until('it is told', () => worker.controls.some(({ type }) => type === 'drain'));
  });

  it('forgets what a quarantine was for when it ends', async () => {
    await farm.work();
    await known('w1');
    const { ledger } = farm.context;
    await ledger
      .updateTable('workers')
      .set({ pause: JSON.stringify({ by: 'quarantine', reason: 'It fails.', until: null }) })
      .execute();
    await ledger
      .insertInto('worker_failures')
      .values({ worker: 'w1', step_key: '1', number: 1, message: 'no' })
      .execute();
    const reply = await ask({ verb: 'worker-resume', workers: ['w1'] });
    expect(reply.message).toBe('w1 works again (w1: it was in quarantine).');
    expect(await ledger.selectFrom('worker_failures').selectAll().execute()).toEqual([]);
  });

  it('refuses what cannot be, with a reason, and writes nothing', async () => {
    await farm.work();
    await known('w1');
    const refused = async (request: Record<string, unknown>) => {
      const reply = await ask(request);
      expect(reply.ok).toBe(false);
      return reply;
    };
    expect(await refused({ verb: 'worker-pause', workers: ['w1', 'ghost'] })).toMatchObject({
      code: 'not-found',
      message: 'There is no worker ghost. ./farmhand workers lists those that there are.',
    });
    expect(
      await refused({ verb: 'worker-timetable', workers: ['w1'], timetable: 'sometimes' }),
    ).toMatchObject({
      code: 'invalid',
      errors: [{ path: 'timetable', value: '"sometimes"' }],
    });
    expect(await refused({ verb: 'limit', kind: 'project', name: 'film', running: -1 })).toMatchObject({
      code: 'invalid',
      errors: [{ path: 'running', value: '-1' }],
    });
    expect(await refused({ verb: 'limit', kind: 'engine', name: 'nonesuch', running: 1 })).toMatchObject({
      errors: [{ path: 'name' }],
    });
    expect(
      await refused({ verb: 'engine-version', engine: 'blender', project: null, range: 'new' }),
    ).toMatchObject({ errors: [{ path: 'range' }] });
    expect(await refused({ verb: 'dance', workers: ['w1'] })).toMatchObject({ code: 'invalid' });
    expect(await farm.context.ledger.selectFrom('farm_events').selectAll().execute()).toEqual([]);
    const connection = await farm.context.connectAs('gateway');
    const reply = await connection.request('manage', encodeMessage('nonsense'), { timeout: 5_000 });
    expect(reply.json()).toMatchObject({ ok: false, code: 'invalid' });
  });

  it('sets limits that dispatch keeps to at once, whichever coordinator is asked', async () => {
    const other = await startTestCoordinator(farm.context);
    const held: HeldTask[] = [];
    const worker = await farm.work({
      slots: 4,
      handle: async (task) => {
        held.push(task);
        await task.started();
      },
    });
    await pulls(worker);
    expect(await ask({ verb: 'limit', kind: 'project', name: 'film', running: 1 })).toEqual({
      ok: true,
      message: 'At most 1 frame of project film may run at once.',
    });
    await new Promise((resolve) => setTimeout(resolve, 2_500)); // others read rules every two seconds
    await job('j', { project: 'film' });
    await until('one runs', () => held.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(held).toHaveLength(1);
    const dry = await ask({ verb: 'limit', kind: 'project', name: 'film', running: 3, dryRun: true });
    expect(dry.message).toBe('Lets at most 3 frames of project film run at once; 1 task of it is out now.');
    await ask({ verb: 'limit', kind: 'project', name: 'film', running: 3 });
    await until('three run', () => held.length === 3);
    expect(await ask({ verb: 'limit', kind: 'project', name: 'film', running: null })).toMatchObject({
      message: 'There is no limit for project film any more.',
    });
    await until('all run', () => held.length === 4);
    await other.stop();
  });

  it('sets and removes shares, guarantees and default versions', async () => {
    const { ledger } = farm.context;
    await ask({ verb: 'share', kind: 'project', name: 'film', weight: 3 });
    await ask({ verb: 'guarantee', project: 'film', pool: '*', slots: 8 });
    await ask({ verb: 'engine-version', engine: 'blender', project: 'film', range: '>=4.2' });
    expect(await ledger.selectFrom('shares').selectAll().execute()).toEqual([
      { kind: 'project', name: 'film', weight: 3 },
    ]);
    expect(await ledger.selectFrom('guarantees').selectAll().execute()).toEqual([
      { project: 'film', pool: '*', slots: 8 },
    ]);
    expect(await ledger.selectFrom('engine_versions').selectAll().execute()).toEqual([
      { engine: 'blender', project: 'film', range: '>=4.2' },
    ]);
    expect(await ask({ verb: 'guarantee', project: 'film', pool: '*', slots: 8 })).toMatchObject({
      message: 'Project film has 8 slots of all workers guaranteed already.',
    });
    await ask({ verb: 'share', kind: 'project', name: 'film', weight: 1 });
    await ask({ verb: 'guarantee', project: 'film', pool: '*', slots: 0 });
    await ask({ verb: 'engine-version', engine: 'blender', project: 'film', range: null });
    for (const table of ['shares', 'guarantees', 'engine_versions'] as const)
      expect(await ledger.selectFrom(table).selectAll().execute()).toEqual([]);
    expect(await events('share/project/film')).toHaveLength(2);
  });
});
