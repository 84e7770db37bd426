import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OverviewQueries } from '../../src/gateway/ledger/overview-queries.ts';
import { QueueQueries } from '../../src/gateway/ledger/queue-queries.ts';
import type { Overview } from '../../src/shared/contracts/overview-api.ts';
import type { Queue } from '../../src/shared/contracts/queue-api.ts';
import type { RoomPatch } from '../../src/shared/contracts/realtime.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { explainedLedger } from '../support/explained-ledger.ts';
import { createTestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { submit } from '../support/jobs.ts';
import { seedAttempt, seedJob, seedResult } from '../support/ledger-rows.ts';
import { until } from '../support/until.ts';

describe('with a coordinator', () => {
  let farm: CoordinatorFarm;
  let gateway: TestGateway;
  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    gateway = await startTestGateway(farm.context);
  });
  afterAll(async () => {
    await gateway.stop();
    await farm.dispose();
  });

  const document = (id: string, change: Record<string, unknown> = {}) => ({
    version: 1,
    id,
    name: `<b>${id}</b>`,
    engine: 'null',
    frames: '1-20',
    ...change,
  });

  it('says what runs next and why, in the order of dispatch', async () => {
    for (const [id, change] of [
      ['low', { priority: 10 }],
      ['high', { priority: 90 }],
    ] as const)
      expect(await submit(farm.context, document(id, change))).toMatchObject({ id });
    let queue: Queue | undefined;
    await until(
      async () => (queue = await gateway.json<Queue>('/api/queue')).steps === 2,
      'both jobs wait in the queue',
    );
    expect(queue).toMatchObject({
      frames: 40,
      groups: [],
      order: [
        { jobId: 'high', name: '<b>high</b>', ready: 20, turn: 'no-worker' },
        { jobId: 'low', priority: 10, turn: 'no-worker' },
      ],
    });
    expect((await gateway.json<Queue>('/api/queue?limit=1')).order).toHaveLength(1);
    await gateway.json('/api/queue?limit=0', 400);
  });

  it('sums up the farm, and tells those who watch once a second', async () => {
    const overview = await gateway.json<Overview>('/api/overview');
    expect(overview.sums).toMatchObject({
      jobs: { queued: 2, running: 0 },
      slots: { total: 0, used: 0 },
      engines: [{ engine: 'null', waitingJobs: 2, ready: 40, running: 0 }],
    });
    const socket = await gateway.connect();
    const heard: RoomPatch[] = [];
    socket.on('patches', (patches) => {
      heard.push(...patches);
      socket.emit('applied');
    });
    const joined = await new Promise((resolve) => socket.emit('join', { room: 'farm' }, resolve));
    expect(joined).toMatchObject({ ok: true, snapshot: { farm: { jobs: { queued: 2 } } } });
    await farm.work();
    await until(
      () =>
        heard.some(({ farm: sums }) => sums !== undefined && sums.slots.total > 0 && sums.jobs.queued === 0),
      'the watcher hears of the worker and of the jobs that ended',
    );
    await until(
      async () => (await gateway.json<Overview>('/api/overview')).ended.completed === 2,
      'the jobs are among those that ended',
    );
  });
});

describe('on a ledger', () => {
  it('finds the last pictures, one attempt after the other', async () => {
    const context = await createTestContext();
    const queries = new OverviewQueries(context.ledger);
    const keys = await seedJob(context.ledger, {
      id: 'j',
      steps: [{ name: 'render', frames: ['done', 'done', 'done', 'ready'] }],
    });
    await sql`UPDATE jobs SET started_at = now()`.execute(context.ledger);
    const stepKey = keys.get('render')!;
    for (const number of [1, 2, 3])
      await seedResult(context.ledger, stepKey, number, {
        objectKey: `k${number}.png`,
        bytes: 1,
        sha256: '00'.repeat(32),
      });
    await seedAttempt(context.ledger, { jobId: 'j', stepKey, frames: [1, 2, 3], outcome: 'completed' });
    await seedAttempt(context.ledger, { jobId: 'j', stepKey, frames: [4] });
    await sql`UPDATE attempts SET frames_done = 3 WHERE outcome = 'completed'`.execute(context.ledger);
    expect((await queries.images()).map(({ job, frame }) => [job, frame])).toEqual([
      ['j', 3],
      ['j', 2],
    ]);
    await context.dispose();
  });

  it('reads no frame but those beside one under way, and no job but open and late ones', async () => {
    const context = await createTestContext();
    const explained = await explainedLedger(context);
    const { ledger } = explained;
    const DONE = 20_000;
    await sql`INSERT INTO jobs (id, name, owner, project, labels, priority, state, document, document_sha256, started_at, finished_at)
      SELECT 'old-' || n, 'old', 'ana', 'film', '{}', 50, 'completed', '{}', 'x', now() - interval '9 days', now() - interval '9 days'
      FROM generate_series(1, 3000) n`.execute(ledger);
    const keys = await seedJob(ledger, {
      id: 'open',
      steps: [{ name: 'render', frames: ['running'], first: DONE / 2 }],
    });
    const key = keys.get('render')!;
    await sql`INSERT INTO frames (step_key, number, position, state, seconds)
      SELECT ${key}::bigint, n, n, 'done', 4 FROM generate_series(1, ${DONE}::int) n WHERE n <> ${DONE / 2}::int`.execute(
      ledger,
    );
    await sql`UPDATE jobs SET started_at = now() WHERE id = 'open'`.execute(ledger);
    const attempt = await seedAttempt(ledger, { jobId: 'open', stepKey: key, frames: [DONE / 2] });
    const { task_key: taskKey } = await ledger
      .selectFrom('attempts')
      .select('task_key')
      .where('id', '=', attempt)
      .executeTakeFirstOrThrow();
    explained.take();
    const overview = new OverviewQueries(ledger);
    expect(await overview.known([{ taskKey, frame: DONE / 2 }])).toMatchObject([
      { job: 'open', step: 'render', medianSeconds: 4 },
    ]);
    await overview.open();
    await overview.counted(60);
    await overview.ended();
    await overview.images();
    await new QueueQueries(ledger).lanes([]);
    const statements = explained.take();
    expect(statements.length).toBeGreaterThanOrEqual(7);
    expect(Math.max(...statements.map((one) => one.rowsRead('frames')))).toBeLessThanOrEqual(210);
    expect(Math.max(...statements.map((one) => one.rowsRead('jobs')))).toBeLessThanOrEqual(40);
    expect(statements.flatMap((one) => one.reads('frames')).filter((read) => read === 'Seq Scan')).toEqual(
      [],
    );
    await explained.dispose();
    await context.dispose();
  });
});
