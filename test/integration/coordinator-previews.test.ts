import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import type {
  PreviewDoneReply,
  PreviewDoneRequest,
  PreviewReply,
} from '../../src/shared/contracts/messages.ts';
import { askSubject, type AskTopic } from '../../src/shared/contracts/subjects.ts';
import { previewSchema, type Preview } from '../../src/shared/contracts/api.ts';
import { PreviewWishes } from '../../src/gateway/ledger/preview-wishes.ts';
import { ObjectStore } from '../../src/gateway/storage/object-store.ts';
import { stepPreviewKey } from '../../src/shared/storage/keys.ts';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import type { HeldTask, ScriptedWorker } from '../support/scripted-worker.ts';

const ENGINES = ['command', 'ffmpeg'];

/** What a worker stores whose video hashes to one digit, repeated. */
function videoOf(digit: string): { key: string; sha256: string; bytes: number } {
  const sha256 = digit.repeat(64);
  const key = stepPreviewKey({ jobId: 'j', step: 'render', kind: 'proxy', sha256, extension: 'mp4' });
  return { key, sha256, bytes: 5 };
}

describe('contact sheets and proxy videos', () => {
  let farm: CoordinatorFarm;
  let wishes: PreviewWishes;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
    const { s3, s3Settings, ledger } = farm.context;
    wishes = new PreviewWishes(ledger, new ObjectStore(s3, s3, s3Settings.bucket));
  });
  afterEach(() => farm.dispose());

  const wish = async (jobId = 'j', step = 'render'): Promise<Preview> =>
    previewSchema.parse(await wishes.ask(jobId, step, 'proxy'));

  function document(frames: string): object {
    const work = { engine: 'command', frames, settings: { argv: ['x'] }, output: { format: 'png', fps: 30 } };
    const encode = { name: 'encode', engine: 'ffmpeg', inputs: { frames: { step: 'render' } } };
    const steps = [{ name: 'render', chunk: 1, ...work }, { ...encode }];
    return { version: 1, id: 'j', name: 'x', steps };
  }

  async function ask<T>(worker: ScriptedWorker, topic: AskTopic, body: unknown): Promise<T> {
    const connection = await farm.context.connectAs('worker');
    const reply = await connection.request(askSubject(worker.id, topic), encodeMessage(body), {
      timeout: 10_000,
    });
    await connection.close();
    return reply.json<T>();
  }

  const begin = (worker: ScriptedWorker, order: string): Promise<PreviewReply> =>
    ask(worker, 'preview', { version: 1, order, after: null });
  const report = (
    worker: ScriptedWorker,
    order: string,
    outcome: PreviewDoneRequest['outcome'],
  ): Promise<PreviewDoneReply> => ask(worker, 'preview-done', { version: 1, order, outcome });

  const ordersOf = ({ controls }: ScriptedWorker): string[] =>
    controls.flatMap((control) => (control.type === 'preview' ? [control.order] : []));

  async function nextOrder(worker: ScriptedWorker, before: number): Promise<string> {
    await until('a preview is ordered', () => ordersOf(worker).length > before, 60_000);
    return ordersOf(worker)[before] ?? '';
  }

  /** Finishes the frames of `render` up to a number; the rest stays open. */
  function upTo(limit: { frame: number }): (task: HeldTask) => Promise<void> {
    return async (task) => {
      await task.started();
      const [frame = 0] = task.frames;
      if (task.task.step === 'render')
        await until(`frame ${frame} is let through`, () => frame <= limit.frame, 120_000);
      await task.complete();
    };
  }

  async function store(key: string): Promise<string> {
    const { s3, s3Settings } = farm.context;
    await s3.send(new PutObjectCommand({ Bucket: s3Settings.bucket, Key: key, Body: 'video' }));
    return key;
  }
  const isStored = async (key: string): Promise<boolean> => {
    const { s3, s3Settings } = farm.context;
    return s3.send(new HeadObjectCommand({ Bucket: s3Settings.bucket, Key: key })).then(
      () => true,
      () => false,
    );
  };

  it('are ordered when somebody looks, made of what is there, and grow with the job', async () => {
    const limit = { frame: 2 };
    const worker = await farm.work({ slots: 64, engines: ENGINES, handle: upTo(limit) });
    await submit(farm.context, document('1-20'));
    await jobWhen(farm.context, 'j', (job) => job.frames.done === 2);
    expect(ordersOf(worker), 'nobody has looked').toEqual([]);

    expect(await wish()).toMatchObject({
      state: 'making',
      url: null,
      frames: { shown: 0, done: 2, total: 20 },
    });
    const first = await nextOrder(worker, 0);
    const plan = (await begin(worker, first)) as Extract<PreviewReply, { frames: unknown }>;
    expect(plan).toMatchObject({ jobId: 'j', step: 'render', kind: 'proxy', fps: 30, more: false });
    expect(plan.frames).toHaveLength(20);
    expect(plan.frames.filter(({ key }) => key !== null).map(({ frame }) => frame)).toEqual([1, 2]);
    const keys = ['1', '2', '3'].map((digit) => videoOf(digit).key);
    const made = (n: number, frames: number): PreviewDoneRequest['outcome'] => ({
      ...videoOf(String(n + 1)),
      frames,
    });
    await store(keys[0] ?? '');
    expect(await report(worker, first, made(0, 2))).toEqual({ ok: true });
    expect(await wish()).toMatchObject({ state: 'ready', bytes: 5, frames: { shown: 2 } });

    limit.frame = 12;
    await jobWhen(farm.context, 'j', (job) => job.frames.done === 12);
    const second = await nextOrder(worker, 1);
    await begin(worker, second);
    await store(keys[1] ?? '');
    await report(worker, second, made(1, 12));
    expect(await isStored(keys[0] ?? ''), 'somebody may still be watching it').toBe(true);

    limit.frame = 20;
    await jobWhen(farm.context, 'j', 'completed');
    await wish();
    const third = await nextOrder(worker, 2);
    await begin(worker, third);
    await store(keys[2] ?? '');
    await report(worker, third, made(2, 20));
    expect(await wish()).toMatchObject({ state: 'ready', frames: { shown: 20 } });
    expect(await isStored(keys[0] ?? '')).toBe(false);
    expect(await isStored(keys[1] ?? '')).toBe(true);
    expect(await wish('j', 'encode')).toMatchObject({ state: 'none', url: null });
  });

  it('are made by another worker when one is lost, and only by the one that has the order', async () => {
    const limit = { frame: 20 };
    const lost = await farm.work({ id: 'w1', slots: 2, engines: ENGINES, handle: upTo(limit) });
    await submit(farm.context, document('1-3'));
    await jobWhen(farm.context, 'j', 'completed');
    await wish();
    const order = await nextOrder(lost, 0);
    await begin(lost, order);
    lost.silence();
    const other = await farm.work({ id: 'w2', slots: 2, engines: ENGINES, handle: upTo(limit) });
    const again = await nextOrder(other, 0);
    expect(again).not.toBe(order);
    const late = videoOf('a');
    await store(late.key);
    await report(lost, order, { ...late, frames: 3 });
    expect(await isStored(late.key), 'nobody is shown what comes too late').toBe(false);
    await store('results/j/kept.png');
    await report(lost, order, { ...late, key: 'results/j/kept.png', frames: 3 });
    expect(await isStored('results/j/kept.png'), 'only previews are removed').toBe(true);
    expect(await begin(lost, order)).toEqual({ gone: true });
    expect(await wish()).toMatchObject({ state: 'making', url: null });
    await begin(other, again);
    await report(other, again, { ...videoOf('b'), frames: 3 });
    const ready = await wish();
    expect(ready.state).toBe('ready');
    expect(ready.url).toContain(videoOf('b').key);
  });

  it('are shown only from where they belong', async () => {
    const worker = await farm.work({ slots: 2, engines: ENGINES, handle: upTo({ frame: 20 }) });
    await submit(farm.context, document('1-3'));
    await jobWhen(farm.context, 'j', 'completed');
    await wish();
    const order = await nextOrder(worker, 0);
    await report(worker, order, { ...videoOf('c'), key: 'assets/sha256/secret', frames: 3 });
    expect(await wish()).toMatchObject({
      state: 'failed',
      url: null,
      reason: expect.stringContaining('no place') as string,
    });
  });

  it('survive a change of coordinators, and say why they could not be made', async () => {
    const limit = { frame: 20 };
    const worker = await farm.work({ slots: 2, engines: ENGINES, handle: upTo(limit) });
    await submit(farm.context, document('1-3'));
    await jobWhen(farm.context, 'j', 'completed');
    await wish();
    const order = await nextOrder(worker, 0);
    await begin(worker, order);
    await farm.coordinator.stop();
    farm.coordinator = await startTestCoordinator(farm.context);
    await until('the next coordinator hears of the worker', () => worker.controls.length > 2);
    expect(await report(worker, order, { error: 'its disk is full' })).toEqual({ ok: true });
    expect(await wish()).toMatchObject({ state: 'failed', reason: 'its disk is full' });
    expect(ordersOf(worker)).toHaveLength(1);
  });

  it('are no wish for a step that is not there', async () => {
    await submit(farm.context, document('1-3'));
    await expect(wish('j', 'gone')).rejects.toThrow('has no step gone');
    await expect(wish('none', 'render')).rejects.toThrow('Job none has no step render');
  });
});

describe('inputs from another job', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());
  const source = {
    version: 1,
    id: 'a',
    name: 'a',
    engine: 'command',
    frames: '1-2',
    settings: { argv: ['x'] },
  };
  const encode = (inputs: object, more: object = {}): object => ({
    version: 1,
    id: 'b',
    name: 'b',
    steps: [{ name: 'encode', engine: 'ffmpeg', inputs: { frames: inputs }, ...more }],
  });

  it('are waited for, and are asked for under the other job', async () => {
    await submit(farm.context, source);
    await submit(farm.context, encode({ job: 'a', step: 'render' }));
    const waiting = await jobWhen(farm.context, 'b', 'queued');
    expect(waiting.frames).toMatchObject({ total: 1, waiting: 1 });
    const worker = await farm.work({ engines: ENGINES });
    await jobWhen(farm.context, 'b', 'completed');
    const [task] = worker.tasks.filter(({ engine }) => engine === 'ffmpeg');
    expect(task?.inputs).toEqual({ frames: { job: 'a', step: 'render' } });
    expect(worker.tasks.map(({ jobId }) => jobId)).toEqual(expect.arrayContaining(['a', 'b']));
    const page = await farm.context.connectAs('worker').then(async (connection) => {
      const question = { version: 1, jobId: 'a', step: 'render', after: null, limit: 10, withMissing: true };
      const reply = await connection.request(askSubject('w1', 'inputs'), encodeMessage(question));
      await connection.close();
      return reply.json<{ files: { frame: number }[]; missing: number[] }>();
    });
    expect(page.files.map(({ frame }) => frame)).toEqual([1, 2]);
    expect(page.missing).toEqual([]);
  });

  it('must be of a job and a step that are there', async () => {
    await submit(farm.context, source);
    const issuesOf = async (document: object): Promise<unknown> => {
      const reply = await submit(farm.context, document);
      return 'errors' in reply ? reply.errors : reply;
    };
    expect(await issuesOf(encode({ job: 'none', step: 'render' }))).toMatchObject([
      { path: 'steps[0].inputs.frames.job', value: '"none"' },
    ]);
    expect(await issuesOf(encode({ job: 'a', step: 'comp' }))).toMatchObject([
      { path: 'steps[0].inputs.frames.job', value: '"comp"', expected: 'a step of job a: render' },
    ]);
    expect(await issuesOf(encode({ step: 'render' }))).toMatchObject([
      { path: 'steps[0].inputs.frames.step', expected: 'nothing: the job has no other step' },
    ]);
  });

  it('a preset decides on the format, and no other is taken', async () => {
    await submit(farm.context, source);
    const worker = await farm.work({ engines: ENGINES });
    const prores = { settings: { encode: 'prores' } };
    const refused = await submit(
      farm.context,
      encode({ job: 'a', step: 'render' }, { ...prores, output: { format: 'mp4' } }),
    );
    expect(refused).toMatchObject({
      errors: [{ path: 'steps[0].output.format', expected: 'mov, as the setting encode says' }],
    });
    await submit(farm.context, encode({ job: 'a', step: 'render' }, prores));
    await jobWhen(farm.context, 'b', 'completed');
    expect(worker.tasks.find(({ engine }) => engine === 'ffmpeg')?.output.format).toBe('mov');
  });
});
