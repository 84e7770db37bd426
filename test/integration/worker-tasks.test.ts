import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FrameResult, TaskStatus } from '../../src/shared/contracts/messages.ts';
import { previewKey } from '../../src/shared/storage/keys.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { PlayCoordinator } from '../support/play-coordinator.ts';
import { until } from '../support/until.ts';
import { SCRIPTED_MAIN, WorkerProcess } from '../support/worker-process.ts';

let context: TestContext;
let farm: PlayCoordinator;
let worker: WorkerProcess;

beforeAll(async () => {
  context = await createTestContext();
  farm = await PlayCoordinator.start(context, 'w1');
  const environment = { FARMHAND_WORKER_ID: 'w1', FARMHAND_WORKER_SLOTS: '2' };
  worker = new WorkerProcess(context, environment, SCRIPTED_MAIN);
  await farm.untilReady();
});

afterAll(async () => {
  await worker.end();
  await context.dispose();
});

const doneOf = (status: TaskStatus): FrameResult[] => ('done' in status ? status.done : []);

async function objectAt(key: string): Promise<Buffer> {
  const answer = await context.s3.send(new GetObjectCommand({ Bucket: context.s3Settings.bucket, Key: key }));
  return Buffer.from(await answer.Body!.transformToByteArray());
}

describe('a worker with tasks', () => {
  it('says what it is and has', () => {
    const [first] = farm.heartbeats;
    expect(first).toMatchObject({ workerId: 'w1', pid: worker.pid, slots: 2, state: 'idle', problems: [] });
    expect(first?.engines).toContainEqual({ id: 'null', version: '1', features: [] });
  });

  it('renders a task and takes it out of the queue', async () => {
    const task = await farm.feed({ frames: [3, 1, 2], settings: { frameMs: 20 } });
    const end = await farm.end(task);
    expect(end).toMatchObject({ type: 'completed', feed: 1, delivery: 1, step: 'render', logKey: null });
    expect(doneOf(end).map(({ number }) => number)).toEqual([3, 1, 2]);
    const outputs = [{ name: 'main', key: null, bytes: 0, sha256: null }];
    expect(doneOf(end)[0]).toMatchObject({ generation: 1, outputs });
    expect(farm.of(task)[0]).toMatchObject({ type: 'started', frames: task.frames });
    await until(async () => (await farm.tasksLeft()) === 0, 'the task is acked');
  });

  it('stores frames with checksum and the log', async () => {
    const task = await farm.feed({
      engine: 'scripted',
      frames: [7, 8],
      output: { format: 'png', width: 32 },
    });
    const end = await farm.end(task);
    expect(end.type).toBe('completed');
    const [frame] = doneOf(end);
    const [main] = frame!.outputs;
    expect(main?.key).toBe(`results/${task.jobId}/render/${task.taskId}-1-1/main_0007.png`);
    const bytes = await objectAt(main!.key!);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(main?.sha256);
    expect(bytes.byteLength).toBe(main?.bytes);
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 32, height: 24 });
    const { bucket: Bucket } = context.s3Settings;
    const head = await context.s3.send(
      new HeadObjectCommand({ Bucket, Key: main!.key!, ChecksumMode: 'ENABLED' }),
    );
    expect(head).toMatchObject({
      ContentType: 'image/png',
      ChecksumSHA256: Buffer.from(main!.sha256!, 'hex').toString('base64'),
    });
    const log = zstdDecompressSync(await objectAt('logKey' in end ? end.logKey! : '')).toString();
    expect(log).toContain('frame 7\n');
    expect(log).toContain('[farmhand] Frame 8 is done');
  });

  it('stores a preview of a large picture, and none of one that is small enough itself', async () => {
    const previewOf = async (settings: { width: number; noise: boolean }): Promise<Buffer | null> => {
      const task = await farm.feed({ engine: 'scripted', frames: [7], settings });
      const end = await farm.end(task);
      expect(end.type).toBe('completed');
      // Its folder goes once the preview is stored.
      const attempt = join(context.folder, 'worker', 'work-1', 'attempts', `${task.taskId}-1-1`);
      await until(
        async () => (await stat(attempt).catch(() => null)) === null,
        'the attempt is cleared away',
      );
      return objectAt(previewKey({ jobId: task.jobId, step: 'render', frame: 7, generation: 1 })).catch(
        () => null,
      );
    };
    const preview = await previewOf({ width: 1_500, noise: true });
    expect(await sharp(preview!).metadata()).toMatchObject({ format: 'webp', width: 256 });
    expect(await previewOf({ width: 32, noise: false })).toBeNull();
  });

  it('lays a scene out, keeps its session warm, and fetches no file twice', async () => {
    const scene = await farm.storeScene(
      { 'a/scene.txt': 'the scene', 'tex/b.txt': 'a texture' },
      'a/scene.txt',
    );
    const logOf = async (): Promise<string> => {
      const task = await farm.feed({ engine: 'scripted', frames: [1], scene });
      const end = await farm.end(task);
      expect(end.type).toBe('completed');
      return zstdDecompressSync(await objectAt('logKey' in end ? end.logKey! : '')).toString();
    };
    expect(await logOf()).toMatch(/open .*\/a\/scene\.txt/);
    await until(
      () =>
        farm.heartbeats.at(-1)?.warmSessions.includes(`scripted:${'asset' in scene ? scene.asset : ''}`) ===
        true,
      'the scene is warm',
    );
    expect(await logOf()).not.toContain('open ');
    expect(farm.heartbeats.at(-1)?.cacheBytes).toBeGreaterThan(0);
  });

  it('fails an attempt whose file does not decode, and says which frame', async () => {
    for (const behaviour of ['truncated', 'missing']) {
      const task = await farm.feed({ engine: 'scripted', frames: [4, 5], settings: { behaviour } });
      const end = await farm.end(task);
      expect(end).toMatchObject({ type: 'failed', class: 'bad-output' });
      expect('failedFrame' in end && [4, 5].includes(end.failedFrame!)).toBe(true);
      expect(doneOf(end)).toEqual([]);
    }
    const task = await farm.feed({ engine: 'scripted', frames: [1], output: { format: 'png', width: 33 } });
    expect(await farm.end(task)).toMatchObject({
      type: 'failed',
      message: 'The file out.png is 32 × 24 pixels instead of 33 × 24.',
    });
  });

  it('reports a crash with the frame, and keeps what was finished', async () => {
    const task = await farm.feed({ engine: 'scripted', frames: [9], settings: { behaviour: 'crash' } });
    expect(await farm.end(task)).toMatchObject({ type: 'failed', class: 'engine-crash', failedFrame: 9 });
  });

  it('names an asset that is not there', async () => {
    const scene = { asset: 'ab'.repeat(32), path: 'x.txt' };
    const task = await farm.feed({ engine: 'scripted', frames: [1, 2], scene });
    expect(await farm.end(task)).toMatchObject({ type: 'failed', class: 'missing-asset', failedFrame: null });
    const stored = await farm.storeScene({ 'x.txt': 'x' }, 'x.txt');
    const other = await farm.feed({ engine: 'scripted', frames: [1], scene: { ...stored, path: 'y.txt' } });
    const end = await farm.end(other);
    expect('message' in end ? end.message : '').toContain('has no file "y.txt"');
  });

  it('fetches inputs, page by page, in frame order', async () => {
    const source = await farm.feed({ engine: 'scripted', frames: [1, 2, 3] });
    const files = doneOf(await farm.end(source)).map(({ number, outputs: [main] }) => {
      return { frame: number, key: main!.key!, bytes: main!.bytes, sha256: main!.sha256! };
    });
    farm.answerInputs = (_step, after) => {
      const rest = files.filter(({ frame }) => after === null || frame > after);
      return { files: rest.slice(0, 2), more: rest.length > 2 };
    };
    const task = await farm.feed({
      engine: 'scripted',
      frames: [0],
      inputs: { pictures: { step: 'render' } },
    });
    expect((await farm.end(task)).type).toBe('completed');
    const damaged = { ...files[0]!, sha256: '0'.repeat(64) };
    farm.answerInputs = () => ({ files: [damaged], more: false });
    const other = await farm.feed({
      engine: 'scripted',
      frames: [0],
      inputs: { pictures: { step: 'render' } },
    });
    expect(await farm.end(other)).toMatchObject({ class: 'missing-asset' });
  });

  it('refuses what it cannot understand or does not have, and goes on', async () => {
    for (const body of ['{', '{"version":2}', '"\\u0000"', JSON.stringify({ taskId: 'a.b' })]) {
      const taskId = await farm.feedRaw(Buffer.from(body));
      expect(await farm.end({ taskId })).toMatchObject({ type: 'rejected' });
    }
    const task = await farm.feed({ engine: 'nosuch', frames: [1] });
    expect(await farm.end(task)).toMatchObject({ type: 'rejected', feed: 1, step: 'render' });
    expect((await farm.end(await farm.feed({ frames: [1] }))).type).toBe('completed');
    await until(async () => (await farm.tasksLeft()) === 0, 'nothing is left in the queue');
  });

  it('reports thousands of frames in messages that fit', async () => {
    const frames = Array.from({ length: 10_000 }, (_, i) => i);
    const task = await farm.feed({ frames });
    await farm.end(task, 60_000);
    const all = farm.of(task).flatMap(doneOf);
    expect(new Set(all.map(({ number }) => number)).size).toBe(10_000);
  });

  it('leaves no scratch behind', async () => {
    const attempts = join(context.folder, 'worker', 'work-1', 'attempts');
    await until(async () => (await readdir(attempts)).length === 0, 'the folders of ended attempts are gone');
    const lock = JSON.parse(
      await readFile(join(context.folder, 'worker', 'worker-1.lock'), 'utf8'),
    ) as unknown;
    expect(lock).toMatchObject({ pid: worker.pid });
  });
});
