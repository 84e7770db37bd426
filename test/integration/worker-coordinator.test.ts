import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeMessage } from '../../src/shared/contracts/decode.ts';
import { heartbeatSchema } from '../../src/shared/contracts/messages.ts';
import { workerStatusSubject } from '../../src/shared/contracts/subjects.ts';
import { startTestCoordinator, type TestCoordinator } from '../support/coordinator.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { manage } from '../support/manage.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { WorkerProcess } from '../support/worker-process.ts';

let context: TestContext;
let coordinator: TestCoordinator;
let link: TcpProxy;
let workers: WorkerProcess[];

beforeEach(async () => {
  context = await createTestContext();
  coordinator = await startTestCoordinator(context);
  link = await TcpProxy.start(context.nats.url);
  workers = [];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.end()));
  await link.close();
  await coordinator.stop();
  await context.dispose();
});

function start(id: string, environment: Record<string, string> = {}): WorkerProcess {
  const worker = new WorkerProcess(context, {
    FARMHAND_WORKER_ID: id,
    FARMHAND_WORKER_DIR: join(context.folder, id),
    FARMHAND_ENGINES: 'null',
    ...environment,
  });
  workers.push(worker);
  return worker;
}

async function submitNull(frames: string, frameMs: number, chunk: number): Promise<string> {
  const document = { version: 1, name: 'test', engine: 'null', frames, chunk, settings: { frameMs } };
  const reply = await submit(context, document);
  if (!('id' in reply)) throw new Error(reply.message);
  return reply.id;
}

interface FrameRow {
  number: number;
  state: string;
  worker: string | null;
  attempt: string | null;
}

const frames = (): Promise<FrameRow[]> =>
  context.ledger
    .selectFrom('frames')
    .select(['number', 'state', 'worker', 'attempt'])
    .orderBy('number')
    .execute();

/** Attempts that a worker holds, by its newest heartbeat. */
async function heldBy(worker: string): Promise<number> {
  const connection = await context.connectAs('operator');
  const manager = await jetstreamManager(connection);
  const last = await manager.streams.getMessage('STATUS_LIVE', { last_by_subj: workerStatusSubject(worker) });
  if (!last) throw new Error(`${worker} was never heard of`);
  return decodeMessage(heartbeatSchema, last.data, 'The heartbeat').attempts.length;
}

describe('workers and a coordinator', () => {
  it('complete a job whose only worker is killed and started again', async () => {
    const first = start('a', { FARMHAND_WORKER_SLOTS: '2' });
    const job = await submitNull('1-20', 150, 3);
    await jobWhen(context, job, ({ frames: counts }) => counts.done >= 4, 40_000);
    const before = (await frames()).filter(({ state }) => state === 'done');
    await first.end('SIGKILL');
    start('a', { FARMHAND_WORKER_SLOTS: '2' });
    const { frames: counts } = await jobWhen(context, job, 'completed', 60_000);
    expect(counts).toMatchObject({ total: 20, done: 20 });
    const after = new Map((await frames()).map((frame) => [frame.number, frame.attempt]));
    for (const { number, attempt } of before) expect(after.get(number)).toBe(attempt);
  });

  it('let a worker that was cut off deliver its frame when nobody else was there', async () => {
    start('a', { NATS_URL: link.through(context.nats.url) });
    const job = await submitNull('1-2', 14_000, 2);
    await jobWhen(context, job, ({ frames: counts }) => counts.running > 0, 40_000);
    const begun = Date.now();
    await sleep(1_000);
    link.set('cut');
    await sleep(11_000);
    link.set('open');
    await jobWhen(context, job, 'completed', 60_000);
    // Two frames, one after the other: a third of 14 s would have had to be begun again.
    expect(Date.now() - begun).toBeLessThan(40_000);
    const rows = await frames();
    expect(new Set(rows.map(({ attempt }) => attempt)).size).toBe(1);
    expect(workers[0]?.output.join('')).toContain('the farm knows us again');
  });

  it('let another worker take over, and the one that was cut off leaves the frames out', async () => {
    start('a', { NATS_URL: link.through(context.nats.url) });
    const job = await submitNull('1-2', 15_000, 2);
    await jobWhen(context, job, ({ frames: counts }) => counts.running > 0, 40_000);
    link.set('cut');
    start('b');
    const takenOver = async (): Promise<boolean> => {
      const tasks = context.ledger.selectFrom('tasks').select('key').where('worker', '=', 'b');
      return (await tasks.execute()).length > 0;
    };
    await until('another worker takes over', takenOver, 25_000);
    link.set('open');
    const { frames: counts } = await jobWhen(context, job, 'completed', 80_000);
    expect(counts).toMatchObject({ done: 2 });
    // What it had in hand and the farm no longer wants of it is not in its hands any more.
    await until('the worker that was cut off is free', async () => (await heldBy('a')) === 0);
  });

  it('give a task back when a timetable closes over it, with no attempt used up', async () => {
    start('a');
    const document = { version: 1, name: 'test', engine: 'null', frames: '1-3', chunk: 3, maxAttempts: 1 };
    const reply = await submit(context, { ...document, id: 'j', settings: { frameMs: 2_500 } });
    expect(reply).toMatchObject({ id: 'j' });
    await jobWhen(context, 'j', ({ frames: counts }) => counts.done > 0 && counts.running === 1, 40_000);
    await manage(context, { verb: 'worker-timetable', workers: ['a'], timetable: 'never' });
    const back = await jobWhen(
      context,
      'j',
      ({ frames: counts }) => counts.running + counts.queued === 0 && counts.ready > 0,
    );
    expect(back.frames).toMatchObject({ failed: 0 });
    await until('the worker has nothing', async () => (await heldBy('a')) === 0);
    const rows = await context.ledger.selectFrom('frames').select(['failures', 'losses']).execute();
    expect(rows).toEqual([1, 2, 3].map(() => ({ failures: 0, losses: 0 })));
    const tasks = await context.ledger.selectFrom('tasks').select(['state', 'outcome']).execute();
    expect(tasks).toEqual([{ state: 'ended', outcome: 'released' }]);
    const kept = (await frames()).filter(({ state }) => state === 'done');
    await manage(context, { verb: 'worker-timetable', workers: ['a'], timetable: 'always' });
    await jobWhen(context, 'j', 'completed', 40_000);
    // What was done before is not rendered again.
    expect(await frames()).toEqual(expect.arrayContaining(kept));
  });
}, 120_000);
