import { zstdCompressSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemSchema, type LogReply } from '../../src/shared/contracts/api.ts';
import {
  jobLevelsSchema,
  jobPaceSchema,
  jobTimelineSchema,
  logSearchSchema,
  MAX_TIMELINE_BARS,
} from '../../src/shared/contracts/job-views.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { seedAttempt, seedJob } from '../support/ledger-rows.ts';

let context: TestContext;
let gateway: TestGateway;

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

async function seedStep(id: string, frames: Parameters<typeof seedJob>[1]['steps']): Promise<string> {
  return (await seedJob(context.ledger, { id, steps: frames ?? [] })).get('render') ?? '';
}

describe('levels of frames', () => {
  let step: string;
  beforeAll(async () => {
    const states = ['done', 'done', 'done', 'failed', 'running', 'ready'] as const;
    step = await seedStep('levels', [{ name: 'render', frames: states }]);
    for (const [number, seconds, worker] of [
      [1, 1, 'fast'],
      [2, 10, 'fast'],
      [3, 100, 'slow'],
      [5, null, 'slow'],
    ] as const)
      await sql`UPDATE frames SET seconds = ${seconds}::real, peak_memory_bytes = ${seconds}::float8 * 1e6, worker = ${worker}
        WHERE step_key = ${step} AND number = ${number}`.execute(context.ledger);
  });

  it('spread from the lowest to the highest, each as many times the one before', async () => {
    const seconds = jobLevelsSchema.parse(await gateway.json('/api/jobs/levels/levels?of=seconds'));
    expect(seconds).toEqual({
      of: 'seconds',
      lowest: 1,
      highest: 100,
      workers: [],
      steps: [{ step: 'render', levels: 'ANZ...' }],
    });
    const memory = jobLevelsSchema.parse(await gateway.json('/api/jobs/levels/levels?of=memory'));
    expect(memory).toMatchObject({ lowest: 1e6, highest: 1e8, steps: [{ levels: 'ANZ...' }] });
  });

  it('name the workers, also of frames that run', async () => {
    const answer = jobLevelsSchema.parse(await gateway.json('/api/jobs/levels/levels?of=worker'));
    expect(answer.workers).toEqual(['fast', 'slow']);
    expect(answer.steps).toEqual([{ step: 'render', levels: 'AAB.B.' }]);
  });

  it('of a job in which nothing was done yet are none', async () => {
    await seedStep('fresh', [{ name: 'render', frames: ['ready', 'ready'] }]);
    const answer = jobLevelsSchema.parse(await gateway.json('/api/jobs/fresh/levels?of=seconds'));
    expect(answer).toMatchObject({ lowest: null, highest: null, steps: [{ levels: '..' }] });
    await gateway.json('/api/jobs/nowhere/levels?of=seconds', 404);
    const problem = problemSchema.parse(await gateway.json('/api/jobs/fresh/levels?of=colour', 400));
    expect(problem.errors?.[0]?.expected).toContain('seconds');
  });
});

describe('the timeline', () => {
  it('tells each attempt with its worker, step, frames and times', async () => {
    const step = await seedStep('timed', [{ name: 'render', frames: ['done', 'done', 'running'] }]);
    const first = await seedAttempt(context.ledger, {
      jobId: 'timed',
      stepKey: step,
      frames: [1, 2],
      worker: 'w2',
      outcome: 'completed',
    });
    const second = await seedAttempt(context.ledger, { jobId: 'timed', stepKey: step, frames: [3] });
    await sql`UPDATE attempts SET started_at = now() - interval '60 s', ended_at = now() - interval '20 s' WHERE id = ${first}`.execute(
      context.ledger,
    );
    const answer = jobTimelineSchema.parse(await gateway.json('/api/jobs/timed/timeline'));
    expect(answer).toMatchObject({ workers: ['w1', 'w2'], steps: ['render'], hiddenWorkers: 0, sums: [] });
    expect(answer.to).toBe(answer.now);
    const [early, late] = answer.bars;
    expect(early).toMatchObject({ id: first, worker: 1, start: 0, first: 1, last: 2, frames: 2 });
    expect(early?.end).toBeCloseTo(40_000, -2);
    expect(late).toMatchObject({ id: second, worker: 0, end: null, outcome: null, first: 3, frames: 1 });
    const to = new Date(Date.parse(answer.from) + 10_000).toISOString();
    const part = jobTimelineSchema.parse(await gateway.json(`/api/jobs/timed/timeline?to=${to}`));
    expect(part.bars.map(({ id }) => id)).toEqual([first]);
  });

  it('sums attempts where there are too many to tell each', async () => {
    const step = await seedStep('crowded', [{ name: 'render', frames: ['done'] }]);
    await seedAttempt(context.ledger, { jobId: 'crowded', stepKey: step, frames: [1], outcome: 'failed' });
    await sql`
      INSERT INTO attempts (id, task_key, job_id, worker, instance, outcome, started_at, ended_at)
      SELECT 'many-' || n, (SELECT max(key) FROM tasks), 'crowded', 'w' || n % 3, 'i', 'completed',
        now() - n * interval '1 s', now() - n * interval '1 s' + interval '500 ms'
      FROM generate_series(1, ${MAX_TIMELINE_BARS}::int) AS n`.execute(context.ledger);
    const answer = jobTimelineSchema.parse(await gateway.json('/api/jobs/crowded/timeline'));
    expect(answer.bars).toEqual([]);
    expect(answer.workers).toEqual(['w0', 'w1', 'w2']);
    const total = (key: 'attempts' | 'failed'): number =>
      answer.sums.reduce((sum, each) => sum + each[key], 0);
    expect(total('attempts')).toBe(MAX_TIMELINE_BARS + 1);
    expect(total('failed')).toBe(1);
    expect(answer.sums.length).toBeLessThanOrEqual(3 * 401);
    // Each kept its worker busy for half a second, wherever the edges of columns lie.
    const busy = answer.sums.reduce((sum, each) => sum + each.busy, 0);
    expect(Math.abs(busy - MAX_TIMELINE_BARS * 500)).toBeLessThan(2 * MAX_TIMELINE_BARS);
    for (const { start, end, busy: mine } of answer.sums) expect(mine).toBeLessThanOrEqual(end - start + 1);
    const from = new Date(Date.parse(answer.to) - 100_000).toISOString();
    const near = jobTimelineSchema.parse(await gateway.json(`/api/jobs/crowded/timeline?from=${from}`));
    expect(near.sums).toEqual([]);
    expect(near.bars.length).toBeGreaterThan(90);
  });
});

describe('the pace', () => {
  it('tells how long frames took lately, and which take far longer', async () => {
    const states = [...Array<'done'>(10).fill('done'), 'running' as const, 'ready' as const];
    const step = await seedStep('paced', [{ name: 'render', frames: states }]);
    const done = await seedAttempt(context.ledger, {
      jobId: 'paced',
      stepKey: step,
      frames: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      outcome: 'completed',
    });
    await sql`UPDATE frames SET seconds = number, attempt = ${done} WHERE step_key = ${step} AND number <= 10`.execute(
      context.ledger,
    );
    const open = await seedAttempt(context.ledger, { jobId: 'paced', stepKey: step, frames: [11] });
    await sql`UPDATE tasks SET attempt = ${open} WHERE job_id = 'paced' AND state = 'running'`.execute(
      context.ledger,
    );
    const pace = async () => jobPaceSchema.parse(await gateway.json('/api/jobs/paced/pace'));
    expect(await pace()).toMatchObject({
      running: 1,
      steps: [{ step: 'render', sample: 10, quick: 3.25, median: 5.5, slow: 9.1 }],
      stuck: [],
    });
    await sql`UPDATE attempts SET started_at = now() - interval '5 min' WHERE id = ${open}`.execute(
      context.ledger,
    );
    const { stuck } = await pace();
    expect(stuck).toMatchObject([{ step: 'render', frame: 11, attempt: open, worker: 'w1', median: 5.5 }]);
    expect(stuck[0]?.seconds).toBeGreaterThan(299);
    expect(stuck[0]?.silentSeconds).toBeNull();
  });
});

describe('a large log', () => {
  const lines = Array.from({ length: 60_000 }, (_, i) =>
    i % 20_000 === 7 ? `Error: tile ${i} – Zwölf [x]` : `Sample ${i} of 60000`,
  );
  const text = `${lines.join('\n')}\n`;
  let at: string;
  beforeAll(async () => {
    const step = await seedStep('large', [{ name: 'render', frames: ['failed'] }]);
    const logKey = 'logs/large/t1/1-1.log.zst';
    const Body = zstdCompressSync(Buffer.from(text));
    await context.s3.send(new PutObjectCommand({ Bucket: context.s3Settings.bucket, Key: logKey, Body }));
    const attempt = await seedAttempt(context.ledger, {
      jobId: 'large',
      stepKey: step,
      frames: [1],
      outcome: 'failed',
      logKey,
    });
    at = `attempt=${attempt}`;
  });
  const log = (query: string) => gateway.json<LogReply>(`/api/jobs/large/logs?${at}&${query}`);
  const search = async (query: string) =>
    logSearchSchema.parse(await gateway.json(`/api/jobs/large/log-search?${at}&${query}`));

  it('is read from its end backwards, in whole lines whose numbers are known', async () => {
    const last = await log('tail=true');
    expect(last.nextOffset).toBe(Buffer.byteLength(text));
    const before = await log(`before=${last.offset}`);
    expect(before.nextOffset).toBe(last.offset);
    for (const piece of [before, last]) {
      const [first] = piece.text.split('\n');
      expect(first).toBe(lines[piece.line ?? -1]);
      expect(piece.text.endsWith('\n')).toBe(true);
    }
    const onwards = await log(`offset=${before.offset}`);
    expect(onwards).toMatchObject({ line: before.line, text: before.text });
  });

  it('is searched where it is stored', async () => {
    const found = await search('text=error%3A');
    expect(found).toMatchObject({ count: 3, done: true, searched: Buffer.byteLength(text) });
    expect(found.matches.map(({ line }) => line)).toEqual([8, 20_008, 40_008]);
    const second = await log(`offset=${found.matches[1]?.offset ?? 0}`);
    expect(second.text.startsWith('Error: tile 20007')).toBe(true);
    expect(second.line).toBe(20_007);
    expect((await search('text=error%3A&case=true')).count).toBe(0);
    expect((await search('text=%5Bx%5D')).count).toBe(3);
    expect((await search(`text=${encodeURIComponent('^Error.*2000\\d')}&regex=true`)).count).toBe(1);
    expect(await search('text=Sample')).toMatchObject({ count: 59_997, done: true });
    const wrong = await gateway.json(`/api/jobs/large/log-search?${at}&text=%28&regex=true`, 400);
    expect(problemSchema.parse(wrong).errors?.[0]?.expected).toContain('regular expression');
  });

  it('is taken home as a whole', async () => {
    const answer = await gateway.fetch(`/api/jobs/large/log-file?${at}`);
    expect(answer.headers.get('content-disposition')).toContain('attachment');
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(await answer.text()).toBe(text);
    await gateway.json(`/api/jobs/timed/log-file?${at}`, 404);
  });
});
