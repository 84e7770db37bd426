import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { manage } from '../support/manage.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

/** Longer than a coordinator believes the default versions that it read. */
const BELIEVED_MS = 2_100;

/** A farm with three versions of one engine; by default jobs take less than 5, and those of the project film less than 4. */
describe('which version of an engine a job is rendered with', () => {
  let farm: CoordinatorFarm;
  const workers = new Map<string, ScriptedWorker>();
  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    await manage(farm.context, { verb: 'engine-version', engine: 'null', project: null, range: '<5' });
    await manage(farm.context, { verb: 'engine-version', engine: 'null', project: 'film', range: '<4' });
    await join('v3', '3.4.1', ['old']);
    await join('v4', '4.2.0');
    await join('v5', '5.0.1');
  });
  afterAll(() => farm.dispose());

  const join = async (id: string, version: string, tags: string[] = []): Promise<ScriptedWorker> => {
    const worker = await farm.work({
      id,
      facts: { tags, engines: [{ id: 'null', version, features: [] }] },
    });
    workers.set(id, worker);
    await until(`${id} has its lanes`, () => worker.controls.some(({ type }) => type === 'lanes'));
    return worker;
  };
  const versionOf = async (jobId: string): Promise<string | null> => {
    const step = await farm.context.ledger
      .selectFrom('steps')
      .select('engine_version')
      .where('job_id', '=', jobId)
      .executeTakeFirstOrThrow();
    return step.engine_version;
  };
  const document = (id: string, more: Record<string, unknown> = {}) => ({
    version: 1,
    id,
    name: id,
    engine: 'null',
    frames: '1-4',
    chunk: 1,
    ...more,
  });
  const later = { notBefore: new Date(Date.now() + 86_400_000).toISOString() };
  const renderedBy = (jobId: string): string[] =>
    [...workers].filter(([, { tasks }]) => tasks.some((task) => task.jobId === jobId)).map(([id]) => id);

  it.each<[string, Record<string, unknown>, string | null]>([
    ['the farm’s default', {}, '4.2.0'],
    ['the farm’s default, in a project without its own', { project: 'other' }, '4.2.0'],
    ['the project’s, before the farm’s', { project: 'film' }, '3.4.1'],
    ['its own, before both', { project: 'film', requires: { engineVersion: '>=4' } }, '5.0.1'],
    ['an exact one', { requires: { engineVersion: '3.4.1' } }, '3.4.1'],
    ['the highest that has what else it needs', { requires: { tags: ['old'] } }, '3.4.1'],
    ['none yet, where no worker has one', { requires: { engineVersion: '>=9' } }, null],
  ])('is %s, when it is submitted', async (what, more, version) => {
    const id = `resolved-${what.replaceAll(/\W+/g, '-')}`;
    expect(await submit(farm.context, document(id, { ...later, ...more }))).toMatchObject({ id });
    expect(await versionOf(id)).toBe(version);
    expect(renderedBy(id)).toEqual([]);
  });

  it('stays the same when defaults change and newer workers join; a new job has the new one', async () => {
    await submit(farm.context, document('kept', { frames: '1-2' }));
    await jobWhen(farm.context, 'kept', 'completed');
    expect([await versionOf('kept'), renderedBy('kept')]).toEqual(['4.2.0', ['v4']]);
    await submit(farm.context, document('queued', later));
    await manage(farm.context, { verb: 'engine-version', engine: 'null', project: null, range: '>=5' });
    await join('v6', '6.0.0');
    await new Promise((resolve) => setTimeout(resolve, BELIEVED_MS));
    await submit(farm.context, document('newer'));
    await jobWhen(farm.context, 'newer', 'completed');
    expect([await versionOf('newer'), renderedBy('newer')]).toEqual(['6.0.0', ['v6']]);
    expect(await versionOf('queued')).toBe('4.2.0');

    expect(await control(farm.context, 'kept', { verb: 'retry', frames: '1' })).toMatchObject({ ok: true });
    await control(farm.context, 'kept', { verb: 'add-frames', frames: '3-4' });
    await jobWhen(farm.context, 'kept', ({ state, frames }) => state === 'completed' && frames.done === 4);
    expect([await versionOf('kept'), renderedBy('kept')]).toEqual(['4.2.0', ['v4']]);
    const again = await control(farm.context, 'kept', { verb: 'resubmit' });
    await jobWhen(farm.context, again.jobId ?? '', 'completed');
    expect([await versionOf(again.jobId ?? ''), renderedBy(again.jobId ?? '')]).toEqual(['6.0.0', ['v6']]);
  });

  it('waits for its version when those who have it are gone', async () => {
    await submit(farm.context, document('waits', { requires: { engineVersion: '<4' }, ...later }));
    await submit(farm.context, document('goes', { requires: { engineVersion: '<4' } }));
    await jobWhen(farm.context, 'goes', 'completed');
    expect(renderedBy('goes')).toEqual(['v3']);
    workers.get('v3')!.goodbye();
    await join('v3-newer', '3.9.0');
    expect(await control(farm.context, 'goes', { verb: 'retry', frames: '1-4' })).toMatchObject({ ok: true });
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // several rounds of dispatch
    expect(renderedBy('goes')).toEqual(['v3']);
    expect(await versionOf('waits')).toBe('3.4.1');
    await join('v3-again', '3.4.1');
    await jobWhen(farm.context, 'goes', ({ state, frames }) => state === 'completed' && frames.done === 4);
    expect(renderedBy('goes')).toEqual(['v3', 'v3-again']);
  });
});
