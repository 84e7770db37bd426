import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resultKey } from '../../src/shared/storage/keys.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { findFaults } from '../support/oracle.ts';

const BYTES = Buffer.from('a frame');
const KEY = resultKey({ jobId: 'j1', step: 'render', attempt: 't1-1-1', file: 'main_0001.png' });

describe('the oracle', () => {
  let context: TestContext;
  beforeAll(async () => {
    context = await createTestContext();
  });
  afterAll(() => context.dispose());

  /** A farm in order: one completed job with one frame whose object is in S3. */
  beforeEach(async () => {
    const { ledger, s3, s3Settings } = context;
    await sql`TRUNCATE jobs, steps, frames, tasks, attempts CASCADE`.execute(ledger);
    await sql`INSERT INTO jobs (id, name, owner, project, labels, priority, state, document, document_sha256)
      VALUES ('j1', 'x', 'o', 'p', '{}', 50, 'completed', '{}', 'h')`.execute(ledger);
    await sql`INSERT INTO steps (key, job_id, name, position, engine, spec, state, frame_total, frames_expanded, done)
      OVERRIDING SYSTEM VALUE VALUES (1, 'j1', 'render', 0, 'lottie', '{}', 'completed', 1, 1, 1)`.execute(
      ledger,
    );
    await sql`INSERT INTO tasks (key, step_key, job_id, engine, lane, state, outcome, feed, frames, generations, resume)
      OVERRIDING SYSTEM VALUE VALUES (1, 1, 'j1', 'lottie', 'l-1', 'ended', 'completed', 1, '{1}', '{1}', false)`.execute(
      ledger,
    );
    await sql`INSERT INTO attempts (id, task_key, job_id, worker, instance, outcome)
      VALUES ('t1-1-1', 1, 'j1', 'w', 'i', 'completed')`.execute(ledger);
    const sha256 = createHash('sha256').update(BYTES).digest();
    await sql`INSERT INTO frames (step_key, number, position, state, task_key, attempt, worker, bytes, sha256, object_key)
      VALUES (1, 1, 0, 'done', 1, 't1-1-1', 'w', ${BYTES.length}, ${sha256}, ${KEY})`.execute(ledger);
    await s3.send(new PutObjectCommand({ Bucket: s3Settings.bucket, Key: KEY, Body: BYTES }));
  });

  const faults = async (): Promise<string[]> =>
    findFaults(
      {
        ledger: context.ledger,
        s3: context.s3,
        bucket: context.s3Settings.bucket,
        nats: await context.connectAs('operator'),
      },
      { settleMs: 0 },
    );

  it('finds nothing wrong with a farm in order', async () => {
    expect(await faults()).toEqual([]);
  });

  it.each([
    ['a job that has not ended', `UPDATE jobs SET state = 'running'`, /job j1 is still running/],
    [
      'a task that is open',
      `UPDATE tasks SET state = 'running', outcome = NULL`,
      /task 1 of job j1 is still running/,
    ],
    ['an attempt without an outcome', `UPDATE attempts SET outcome = NULL`, /attempt t1-1-1 has no outcome/],
    [
      'counts that disagree',
      `UPDATE steps SET done = 0, failed = 1`,
      /counts 0 done frames, and there are 1/,
    ],
    ['a frame too few', `UPDATE steps SET frame_total = 2`, /has 1 frames and should have 2/],
    ['a result that no attempt made', `UPDATE frames SET attempt = 'nobody'`, /knows no attempt nobody/],
    ['a done frame without an object', `UPDATE frames SET object_key = NULL`, /is done and has no object/],
    ['an object that is not there', `UPDATE frames SET object_key = object_key || '.gone'`, /cannot be read/],
    ['an object of another size', `UPDATE frames SET bytes = 8`, /has 7 bytes and should have 8/],
    ['an object with other bytes', `UPDATE frames SET sha256 = sha256('x')`, /another checksum/],
  ])('finds %s', async (_what, statement, fault) => {
    await sql.raw(statement).execute(context.ledger);
    expect((await faults()).join('\n')).toMatch(fault);
  });

  it('finds a message that is left in the work queue', async () => {
    const coordinator = await context.connectAs('coordinator');
    await coordinator.request('tasks.lottie.l-1.j1.t1', '{}');
    expect((await faults()).join('\n')).toMatch(/1 messages are left in TASKS/);
  });
});
