import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AttemptQueries } from '../../src/gateway/ledger/attempt-queries.ts';
import { FailureQueries, MOST_ATTEMPTS } from '../../src/gateway/ledger/failure-queries.ts';
import { problemSchema } from '../../src/shared/contracts/api.ts';
import { failureDetailsSchema, failuresSchema } from '../../src/shared/contracts/failure-api.ts';
import { workerAttemptsSchema, workersHistorySchema } from '../../src/shared/contracts/worker-api.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { explainedLedger } from '../support/explained-ledger.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit } from '../support/jobs.ts';
import { seedJob } from '../support/ledger-rows.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

/** Two workers: `sick` fails with everything it gets, `well` fails with what nobody can render. */
describe('failures, by reason', () => {
  let farm: CoordinatorFarm;
  let gateway: TestGateway;
  let sick: ScriptedWorker;
  const SAID = 'Error: cannot read /scenes/shot-0042/tree.obj (line 17)';

  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    gateway = await startTestGateway(farm.context);
    sick = await farm.work({
      id: 'sick',
      slots: 1,
      handle: (task) =>
        task.fail({ message: SAID, class: 'missing-asset', failedFrame: task.frames[0] ?? null }),
    });
    for (const [id, owner] of [
      ['a', 'ann'],
      ['b', 'bob'],
    ] as const) {
      const document = { version: 1, id, owner, name: `Job ${id}`, engine: 'null', frames: '1-2' };
      await submit(farm.context, { ...document, chunk: 1, maxAttempts: 1 });
    }
    await jobWhen(farm.context, 'a', 'failed', 40_000);
    await jobWhen(farm.context, 'b', 'failed', 40_000);
  });
  afterAll(async () => {
    await gateway.stop();
    await farm.dispose();
  });

  const list = async (query = '') => failuresSchema.parse(await gateway.json(`/api/failures?${query}`));

  it('are one group where only numbers and paths differ, with whose fault it seems and what to do', async () => {
    const { groups, truncated, hiddenGroups } = await list();
    expect({ truncated, hiddenGroups }).toEqual({ truncated: false, hiddenGroups: 0 });
    expect(groups).toMatchObject([
      {
        kind: 'missing-asset',
        fault: 'worker',
        why: 'Only sick fails so, with 2 jobs.',
        message: SAID,
        attempts: 4,
        frames: 4,
        jobs: 2,
        workers: 1,
        topWorkers: ['sick'],
        sample: { worker: 'sick', step: 'render' },
      },
    ]);
    expect(groups[0]?.times.at(-1)).toBe(4);
    expect(groups[0]?.remedy).toMatch(/Mount the storage/);
  });

  it.each([
    ['owner=ann', 2],
    ['job=b', 2],
    ['worker=sick&job=a', 2],
    ['engine=null&project=nobody', 0],
    ['worker=well', 0],
  ])('can be asked for by %s', async (query, attempts) => {
    expect((await list(query)).groups.reduce((sum, group) => sum + group.attempts, 0)).toBe(attempts);
  });

  it('tell of one reason which frames are failed for it now, and no longer once they are rendered', async () => {
    const id = (await list()).groups[0]?.id ?? '';
    const details = async () =>
      failureDetailsSchema.parse(await gateway.json(`/api/failures/${id}?since=1h`));
    expect((await details()).places.sort((a, b) => (a.job < b.job ? -1 : 1))).toEqual([
      { job: 'a', name: 'Job a', state: 'failed', step: 'render', frames: '1-2', failed: 2 },
      { job: 'b', name: 'Job b', state: 'failed', step: 'render', frames: '1-2', failed: 2 },
    ]);
    await sick.stop();
    await farm.work({ id: 'well', slots: 1 });
    await gateway.post('/api/jobs/a/retry', 200, { step: 'render', frames: '1-2' });
    await jobWhen(farm.context, 'a', 'completed', 40_000);
    const after = await details();
    expect(after.places.find(({ job }) => job === 'a')).toMatchObject({ frames: '', failed: 0 });
    expect(after.byWorker).toMatchObject([{ id: 'sick', attempts: 4 }]);
    expect(after.byJob.map(({ id: job }) => job).sort()).toEqual(['a', 'b']);
  });

  it('refuse what cannot be meant, and say what is expected', async () => {
    for (const [query, path] of [
      ['since=yesterday', 'since'],
      ['since=9999d', 'since'],
      ['colour=red', 'colour'],
    ] as const) {
      const problem = problemSchema.parse(await gateway.json(`/api/failures?${query}`, 400));
      expect(problem.errors?.[0]?.path).toContain(path);
    }
    await gateway.json('/api/failures/0123456789abcdef', 404);
  });

  it('tell what a worker was given, page by page, and how busy it was', async () => {
    const page = async (query: string) =>
      workerAttemptsSchema.parse(await gateway.json(`/api/workers/sick/attempts?${query}`));
    const first = await page('limit=3');
    const second = await page(`limit=3&cursor=${first.next ?? ''}`);
    expect([first.attempts.length, second.attempts.length, second.next]).toEqual([3, 1, null]);
    expect(first.attempts[0]).toMatchObject({ outcome: 'failed', class: 'missing-asset', error: SAID });
    await gateway.json('/api/workers/nobody/attempts', 404);
    const history = workersHistorySchema.parse(await gateway.json('/api/worker-history?worker=well'));
    expect(Object.keys(history.workers)).toEqual(['well']);
  });
});

/** No statistics, as on a fresh farm: plans must not depend on them. */
describe('a ledger of many attempts', () => {
  let farm: CoordinatorFarm;
  const FAILED = 20_000;
  const DONE = 60_000;

  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    const { ledger } = farm.context;
    const key = (
      await seedJob(ledger, { id: 'j', steps: [{ name: 'render', frames: ['failed', 'done'] }] })
    ).get('render');
    await sql`ALTER TABLE attempts SET (autovacuum_enabled = false)`.execute(ledger);
    await sql`INSERT INTO tasks (step_key, job_id, engine, lane, state, outcome, feed, frames, generations)
      SELECT ${key}::bigint, 'j', 'null', 'l', 'ended', 'failed', 1, '{1}', '{1}' FROM generate_series(1, 100)`.execute(
      ledger,
    );
    await sql`INSERT INTO attempts (id, task_key, job_id, worker, instance, outcome, class, fingerprint, started_at, ended_at)
      SELECT 'x' || n, (SELECT min(key) FROM tasks) + n % 100, 'j', CASE WHEN n % 1000 = 0 THEN 'rare' ELSE 'w' || n % 50 END, 'i',
        CASE WHEN n <= ${FAILED}::int THEN 'failed' ELSE 'completed' END, 'scene', 'f' || n % 7,
        now() - n * interval '1 second', now() - n * interval '1 second'
      FROM generate_series(1, ${FAILED + DONE}::int) n`.execute(ledger);
  });
  afterAll(() => farm.dispose());

  it('is read through indexes, and no further than is told', async () => {
    const explained = await explainedLedger(farm.context);
    try {
      const failures = new FailureQueries(explained.ledger);
      const all = await failures.attempts({ sinceSeconds: 86_400 });
      expect([all.attempts.length, all.considered, all.truncated]).toEqual([
        MOST_ATTEMPTS,
        MOST_ATTEMPTS,
        true,
      ]);
      const whole = explained.take().at(-1);
      expect(whole?.reads('attempts').join()).toMatch(/attempts_failed$/);
      expect(whole?.rowsRead('attempts')).toBe(MOST_ATTEMPTS + 1);
      const { attempts } = await failures.attempts({ sinceSeconds: 86_400, worker: 'rare' });
      expect(attempts.length).toBe(FAILED / 1_000);
      const rare = explained.take().at(-1);
      expect(rare?.reads('attempts').join()).toMatch(/attempts_failed_worker/);
      expect(rare?.rowsRead('attempts')).toBe(FAILED / 1_000);
      await new AttemptQueries(explained.ledger).ofWorker('rare', 20, undefined);
      const [given] = explained.take();
      expect(given?.reads('attempts').join()).toMatch(/attempts_worker/);
      expect(given?.rowsRead('attempts')).toBeLessThan(100);
    } finally {
      await explained.dispose();
    }
  });
});
