import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKENS } from '../../src/coordinator/tokens.ts';
import { binByRule } from '../../src/coordinator/retention/bin-by-rule.ts';
import { countStorage } from '../../src/coordinator/retention/count-storage.ts';
import { noteAssets } from '../../src/coordinator/retention/named-assets.ts';
import type { ControlManyReply, JobsPage, Problem } from '../../src/shared/contracts/api.ts';
import type { JobDetails } from '../../src/shared/contracts/job-details.ts';
import type { Storage } from '../../src/shared/contracts/retention.ts';
import { Bucket } from '../../src/shared/storage/bucket.ts';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { submit } from '../support/jobs.ts';
import { manage } from '../support/manage.ts';
import { seedOf } from '../support/retention-seeds.ts';
import { allKeys, eraserOf, putObject, putScene } from '../support/retention.ts';

let farm: CoordinatorFarm;
let gateway: TestGateway;

beforeAll(async () => {
  farm = await createCoordinatorFarm();
  gateway = await startTestGateway(farm.context);
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await farm.dispose();
});

const listed = async (query = ''): Promise<string[]> =>
  (await gateway.json<JobsPage>(`/api/jobs${query}`)).jobs.map(({ id }) => id);

/** Erases everything whose time in the bin is over. */
async function eraseAll(bucket?: Bucket): Promise<void> {
  const eraser = eraserOf(farm.context, farm.coordinator, bucket);
  while (await eraser.slice());
}

describe('delete', () => {
  it('puts an ended job into the bin, where it can be restored and nothing else', async () => {
    await seedOf(farm.context, { id: 'bin-1', frames: 3 });
    const would = await control(farm.context, 'bin-1', { verb: 'delete', dryRun: true });
    expect(would).toMatchObject({ ok: true, dryRun: true, message: 'Deletes the job: 3 files, 300 B.' });
    expect(await listed()).toContain('bin-1');

    const did = await control(farm.context, 'bin-1', { verb: 'delete', by: 'ada' }, 'r-bin-1');
    expect(did).toMatchObject({ ok: true, changed: true, figures: { files: 3, bytes: 300 } });
    expect(did.message).toContain('For 14 days "restore" takes it out of the bin');
    // Asked again, it is the same answer, and nothing else.
    expect(await control(farm.context, 'bin-1', { verb: 'delete', by: 'ada' }, 'r-bin-1')).toMatchObject({
      ok: true,
      message: did.message,
    });
    expect(await listed()).not.toContain('bin-1');
    expect(await listed('?bin=true')).toContain('bin-1');
    const job = await gateway.json<JobDetails>('/api/jobs/bin-1');
    expect(job.bin?.by).toBe('ada');

    const retry = await control(farm.context, 'bin-1', { verb: 'retry', frames: '1' });
    expect(retry).toMatchObject({ ok: false });
    expect(retry.message).toContain('"restore" takes it out');
    const needing = await submit(farm.context, {
      version: 1,
      name: 'later',
      engine: 'null',
      frames: '1',
      dependsOn: [{ job: 'bin-1', kind: 'all' }],
    });
    expect(JSON.stringify(needing)).toContain('restore it first');

    expect(await control(farm.context, 'bin-1', { verb: 'restore' })).toMatchObject({
      ok: true,
      changed: true,
    });
    expect(await listed()).toContain('bin-1');
    await eraseAll();
    expect(await allKeys(farm.context)).toContain('results/bin-1/render/t1-1-1/main_0001.png');
  });

  it('refuses what has not ended, what is kept and what others need', async () => {
    await seedOf(farm.context, { id: 'open-1', frames: 1, state: 'running' });
    expect(await control(farm.context, 'open-1', { verb: 'delete' })).toMatchObject({
      ok: false,
      message: 'The job is running; cancel it first, and then delete it.',
    });
    await seedOf(farm.context, { id: 'kept-1', frames: 1 });
    expect(await control(farm.context, 'kept-1', { verb: 'keep' })).toMatchObject({
      ok: true,
      changed: true,
    });
    expect(await control(farm.context, 'kept-1', { verb: 'delete', now: true })).toMatchObject({ ok: false });
    expect(await control(farm.context, 'kept-1', { verb: 'keep', undo: true })).toMatchObject({
      changed: true,
    });

    await seedOf(farm.context, { id: 'needed-1', frames: 1, state: 'failed' });
    await seedOf(farm.context, { id: 'waiting-1', frames: 1, state: 'queued' });
    await farm.context.ledger
      .insertInto('job_dependencies')
      .values({ job_id: 'waiting-1', depends_on: 'needed-1' })
      .execute();
    const refused = await control(farm.context, 'needed-1', { verb: 'delete' });
    expect(refused).toMatchObject({ ok: false });
    expect(refused.message).toContain('waiting-1');
  });

  it('says in one sentence what several jobs and the scenes of them free', async () => {
    const alone = await putScene(farm.context, ['a scene of its own, '.repeat(50)]);
    const shared = await putScene(farm.context, ['a scene of two jobs']);
    await seedOf(farm.context, { id: 'many-1', frames: 2, scene: alone.asset, owner: 'mia' });
    await seedOf(farm.context, { id: 'many-2', frames: 2, scene: shared.asset, owner: 'mia' });
    await seedOf(farm.context, { id: 'many-3', frames: 2, scene: shared.asset, owner: 'noa' });
    while ((await noteAssets(farm.context.ledger, 500)) > 0);
    const reply = await gateway.post<ControlManyReply>('/api/jobs/control', 200, {
      verb: 'delete',
      dryRun: true,
      filter: { owner: 'mia', state: ['completed'] },
    });
    expect(reply.message).toBe(
      'Deletes 2 jobs: 4 files, 1.4 kB (of which 1.0 kB of scenes that no other job uses).',
    );
  });
});

describe('a job whose time in the bin is over', () => {
  it('loses its objects and rows, and no other job does; its id never comes again', async () => {
    const { context } = farm;
    await seedOf(context, { id: 'gone', frames: 5, note: true });
    await seedOf(context, { id: 'gone-2', frames: 2 });
    for (const key of [
      'logs/gone/t1/1-1.log.zst',
      'previews/gone/render/1-1.webp',
      'results/gone/render/t0-1-1/main_0001.png',
    ])
      await putObject(context, key);
    await putObject(context, 'previews/gone-2/render/1-1.webp');
    await countStorage(context.ledger, 100);
    const others = [...(await allKeys(context))].filter((key) => !key.split('/').includes('gone'));
    await control(context, 'gone', { verb: 'delete', now: true, by: 'ada' });
    await eraseAll();
    expect([...(await allKeys(context))].sort()).toEqual(others.sort());

    const rows = await sql<{
      frames: number;
      tasks: number;
      attempts: number;
      events: number;
      notes: number;
    }>`
      SELECT (SELECT count(*)::int FROM frames f JOIN steps s ON s.key = f.step_key WHERE s.job_id = 'gone') AS frames,
        (SELECT count(*)::int FROM tasks WHERE job_id = 'gone') AS tasks,
        (SELECT count(*)::int FROM attempts WHERE job_id = 'gone') AS attempts,
        (SELECT count(*)::int FROM job_events WHERE job_id = 'gone') AS events,
        (SELECT count(*)::int FROM job_notes WHERE job_id = 'gone') AS notes`.execute(context.ledger);
    expect(rows.rows[0]).toEqual({ frames: 0, tasks: 0, attempts: 0, events: 1, notes: 0 });
    const tombstone = await context.ledger
      .selectFrom('jobs')
      .select(['name', 'owner', 'project', 'binned_by', 'files', 'bytes', 'erased_at'])
      .where('id', '=', 'gone')
      .executeTakeFirstOrThrow();
    expect(tombstone).toMatchObject({
      name: 'gone',
      owner: 'ann',
      binned_by: 'ada',
      files: '5',
      bytes: '500',
    });
    expect(tombstone.erased_at).not.toBeNull();
    const step = await context.ledger
      .selectFrom('steps')
      .select(['done', 'seconds_done'])
      .where('job_id', '=', 'gone')
      .executeTakeFirstOrThrow();
    expect(step).toEqual({ done: 5, seconds_done: 7.5 });

    const problem = await gateway.json<Problem>('/api/jobs/gone', 404);
    expect(problem.detail).toContain('was deleted by ada');
    expect(await listed()).not.toContain('gone');
    expect(await listed('?bin=true')).not.toContain('gone');
    const again = await submit(context, {
      version: 1,
      id: 'gone',
      name: 'gone',
      engine: 'null',
      frames: '1',
    });
    expect(again).toMatchObject({ code: 'conflict' });
    expect(JSON.stringify(again)).toContain('was deleted');
    expect(await control(context, 'gone', { verb: 'restore' })).toMatchObject({ ok: false });
  });

  it('is gone on with after a stop in the middle, and cannot be restored any more', async () => {
    const { context } = farm;
    await seedOf(context, { id: 'half', frames: 4 });
    await control(context, 'half', { verb: 'delete', now: true });
    const first = eraserOf(context, farm.coordinator);
    await first.slice();
    const begun = await context.ledger
      .selectFrom('jobs')
      .select(['erasing', 'erased_at'])
      .where('id', '=', 'half')
      .executeTakeFirstOrThrow();
    expect(begun).toEqual({ erasing: true, erased_at: null });
    expect(await control(context, 'half', { verb: 'restore' })).toMatchObject({ ok: false });
    await eraseAll();
    expect([...(await allKeys(context))].filter((key) => key.includes('/half/'))).toEqual([]);
    const row = await context.ledger
      .selectFrom('jobs')
      .select('erased_at')
      .where('id', '=', 'half')
      .executeTakeFirst();
    expect(row?.erased_at).not.toBeNull();
  });

  it('stays whole while the store does not answer, and says why', async () => {
    const { context } = farm;
    await seedOf(context, { id: 'stuck', frames: 2 });
    await control(context, 'stuck', { verb: 'delete', now: true });
    const away = createS3Client({ ...context.s3Settings, endpoint: 'http://127.0.0.1:1' });
    const eraser = eraserOf(context, farm.coordinator, new Bucket(away, context.s3Settings.bucket));
    await eraser.slice();
    away.destroy();
    const row = await context.ledger
      .selectFrom('jobs')
      .select(['erased_at', 'erase_error'])
      .where('id', '=', 'stuck')
      .executeTakeFirstOrThrow();
    expect(row.erased_at).toBeNull();
    expect(row.erase_error).not.toBeNull();
    const frames = await sql<{ n: number }>`
      SELECT count(*)::int AS n FROM frames f JOIN steps s ON s.key = f.step_key WHERE s.job_id = 'stuck'`.execute(
      context.ledger,
    );
    expect(frames.rows[0]?.n).toBe(2);
    await eraseAll();
    expect([...(await allKeys(context))].filter((key) => key.includes('/stuck/'))).toEqual([]);
  });

  it('stays when another job has begun to need it meanwhile', async () => {
    const { context } = farm;
    await seedOf(context, { id: 'needed-2', frames: 1 });
    await control(context, 'needed-2', { verb: 'delete', now: true });
    await seedOf(context, { id: 'waiting-2', frames: 1, state: 'queued' });
    await context.ledger
      .insertInto('job_dependencies')
      .values({ job_id: 'waiting-2', depends_on: 'needed-2' })
      .execute();
    await eraserOf(context, farm.coordinator).slice();
    const row = await context.ledger
      .selectFrom('jobs')
      .select(['erasing', 'erase_error'])
      .where('id', '=', 'needed-2')
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ erasing: false, erase_error: 'Job waiting-2 still needs its results.' });
    expect(await control(context, 'needed-2', { verb: 'restore' })).toMatchObject({ ok: true });
  });
});

describe('rules', () => {
  it('put jobs into the bin by project and state, and never what is kept; without one nothing goes', async () => {
    const { context } = farm;
    const lease = farm.coordinator.parts.resolve(TOKENS.lease);
    for (const id of ['old-done', 'old-kept', 'old-labelled', 'old-failed', 'old-other', 'young-done'])
      await seedOf(context, {
        id,
        frames: 1,
        project: id === 'old-other' ? 'archive' : 'ads',
        state: id === 'old-failed' ? 'failed' : 'completed',
      });
    await sql`UPDATE jobs SET finished_at = now() - interval '40 days', delivered_at = now() - interval '40 days'
      WHERE id LIKE 'old-%'`.execute(context.ledger);
    await sql`UPDATE jobs SET labels = labels || '{"keep": "yes"}' WHERE id = 'old-labelled'`.execute(
      context.ledger,
    );
    await control(context, 'old-kept', { verb: 'keep' });
    expect(await binByRule(lease, context.ledger)).toEqual([]);

    // Every project but one; failed jobs are kept longer.
    await manage(context, { verb: 'retention', what: 'completed', project: 'archive', days: 'forever' });
    await manage(context, { verb: 'retention', what: 'failed', project: null, days: 60 });
    await manage(context, { verb: 'retention', what: 'bin', project: 'ads', days: 3 });
    const rule = { verb: 'retention', what: 'completed', project: null, days: 30 };
    const sentence = 'Completed jobs are kept for 30 days; then they go into the bin: 1 job now.';
    expect(await manage(context, { ...rule, dryRun: true })).toMatchObject({ ok: true, message: sentence });
    expect(await binByRule(lease, context.ledger)).toEqual([]);
    expect(await manage(context, rule)).toMatchObject({ ok: true, message: sentence });
    // The coordinator's own round may come first.
    await binByRule(lease, context.ledger);
    const { rows } = await sql<{ id: string; days: number }>`
      SELECT id, EXTRACT(day FROM erase_at - binned_at)::int AS days FROM jobs
      WHERE binned_by = 'farmhand' AND binned_at IS NOT NULL ORDER BY id`.execute(context.ledger);
    expect(rows).toEqual([{ id: 'old-done', days: 3 }]);
    // Its time begins anew: the rule leaves alone what somebody took out of the bin.
    expect(await control(context, 'old-done', { verb: 'restore' })).toMatchObject({ ok: true });
    expect(await binByRule(lease, context.ledger)).toEqual([]);
    const wrong = await manage(context, { verb: 'retention', what: 'assets', project: 'ads', days: 3 });
    expect(wrong).toMatchObject({ ok: false, code: 'invalid' });
    const { rules } = await gateway.json<{ rules: unknown[] }>('/api/retention');
    expect(rules).toContainEqual({ what: 'completed', project: 'archive', days: 'forever', set: true });
    expect(rules).toContainEqual({ what: 'assets', project: null, days: 30, set: false });
  });
});

describe('storage', () => {
  it('is counted when jobs end, by project, owner, job and template', async () => {
    const { context } = farm;
    await seedOf(context, { id: 'sum-1', frames: 3, project: 'counted', owner: 'zoe' });
    await seedOf(context, { id: 'sum-2', frames: 2, project: 'counted', owner: 'yan' });
    while ((await countStorage(context.ledger, 100)) > 0);
    const storage = await gateway.json<Storage>('/api/storage?by=project&limit=1000');
    expect(storage.groups.find(({ name }) => name === 'counted')).toEqual({
      name: 'counted',
      jobs: 2,
      files: 5,
      bytes: 500,
      binBytes: 0,
    });
    expect(storage.total.bytes).toBe(storage.groups.reduce((sum, { bytes }) => sum + bytes, 0));
    const byJob = await gateway.json<Storage>('/api/storage?by=job&limit=1');
    expect(byJob.groups).toHaveLength(1);
    expect(await gateway.json<JobDetails>('/api/jobs/sum-1')).toMatchObject({
      storage: { files: 3, bytes: 300 },
    });
  });
});
