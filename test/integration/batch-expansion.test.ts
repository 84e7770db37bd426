import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Batch, BatchSubmission } from '../../src/shared/contracts/batch.ts';
import { batchWhen, storeRows, storeTemplate } from '../support/batches.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit } from '../support/jobs.ts';

const ROWS = 10_000;

let farm: CoordinatorFarm;
let gateway: TestGateway;

beforeAll(async () => {
  farm = await createCoordinatorFarm();
  gateway = await startTestGateway(farm.context);
  await storeTemplate(farm.context);
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await farm.dispose();
});

it('makes jobs of 10,000 rows, and other jobs go on meanwhile', async () => {
  const worker = await farm.work({ engines: ['null'], slots: 2 });
  const rows = await storeRows(
    farm.context,
    Array.from({ length: ROWS }, (_, i) => ({ title: `Title ${i + 1}` })),
  );
  const document = { version: 1, name: 'Cards', template: 'card', rows };
  const { id } = (await gateway.post<BatchSubmission>('/api/batches', 201, document)).batch;
  let others = 0;
  let batch = await batchWhen(gateway, id, ({ rows: { accepted } }) => accepted > 0);
  while (batch.state === 'expanding') {
    const reply = await submit(farm.context, { version: 1, name: 'other', engine: 'null', frames: '0' });
    if (!('id' in reply)) throw new Error(reply.message);
    await jobWhen(farm.context, reply.id, 'completed');
    others++;
    batch = await gateway.json<Batch>(`/api/batches/${id}`);
  }
  expect(others).toBeGreaterThan(0);
  expect(batch).toMatchObject({ state: 'expanded', rows: { total: ROWS, accepted: ROWS, refused: 0 } });
  const { rows: counts } = await sql<{ jobs: number; steps: number; ready: number; data: number }>`
    SELECT count(DISTINCT j.id)::int AS jobs, count(DISTINCT s.key)::int AS steps, sum(s.ready)::int AS ready,
      count(DISTINCT j.document -> 'data' ->> 'title')::int AS data
    FROM jobs j JOIN steps s ON s.job_id = j.id WHERE j.labels ->> 'batch' = ${id}`.execute(
    farm.context.ledger,
  );
  expect(counts).toEqual([{ jobs: ROWS, steps: ROWS, ready: 2 * ROWS, data: ROWS }]);
  await worker.stop();
}, 180_000);
