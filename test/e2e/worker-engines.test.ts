import { readFile, readdir } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import type { FrameResult, TaskStatus } from '../../src/shared/contracts/messages.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { PlayCoordinator, type TaskOptions } from '../support/play-coordinator.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

let context: TestContext;
let farm: PlayCoordinator;
let worker: WorkerProcess;
let lottie: TaskOptions;

beforeAll(async () => {
  context = await createTestContext();
  farm = await PlayCoordinator.start(context, 'w1');
  worker = new WorkerProcess(context, {
    FARMHAND_WORKER_ID: 'w1',
    FARMHAND_ENGINES: 'lottie,ffmpeg',
    FARMHAND_CACHE: cacheFolder(),
  });
  await farm.untilReady();
  const wave = await readFile(new URL('../../examples/lottie/wave.json', import.meta.url));
  const scene = await farm.storeScene({ 'wave.json': wave }, 'wave.json');
  lottie = { engine: 'lottie', frames: [0, 1, 2], scene, output: { format: 'png', width: 160, height: 90 } };
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

const logOf = async (end: TaskStatus): Promise<string> =>
  zstdDecompressSync(await objectAt('logKey' in end ? end.logKey! : '')).toString();

/** Leaders of the process groups of this worker's engines. */
async function engineGroups(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const leaders = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      return environment.includes(`HOME=${context.folder}/`) && line.includes('engine-guard')
        ? Number(pid)
        : 0;
    }),
  );
  // The watcher beside the guard is a copy of it in the same group.
  return leaders.filter((pid) => pid > 0 && isLeader(pid));
}

function isLeader(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a worker with real engines', () => {
  it('renders in a warm session, and in a new one when that has died meanwhile', async () => {
    const first = await farm.end(await farm.feed(lottie), 60_000);
    expect(first.type).toBe('completed');
    const [group] = await engineGroups();
    expect(group).toBeDefined();
    const warm = await farm.end(await farm.feed(lottie));
    expect(doneOf(warm).map(({ outputs }) => outputs[0]?.sha256)).toEqual(
      doneOf(first).map(({ outputs }) => outputs[0]?.sha256),
    );
    expect(await engineGroups()).toEqual([group]);
    process.kill(-group!, 'SIGKILL');
    const after = await farm.end(await farm.feed(lottie));
    expect(after.type).toBe('completed');
    expect(doneOf(after)).toHaveLength(3);
    expect(await logOf(after)).toContain('The warm session had gone bad');
  });

  it("turns another step's frames into a video that decodes", async ({ skip }) => {
    const hasFfmpeg = farm.heartbeats.at(-1)?.engines.some(({ id }) => id === 'ffmpeg') === true;
    skip(!hasFfmpeg && process.env['CI'] === undefined, 'no FFmpeg on this machine');
    const source = await farm.end(await farm.feed(lottie), 60_000);
    farm.answerInputs = () => ({
      files: doneOf(source).map(({ number, outputs: [main] }) => {
        return { frame: number, key: main!.key!, bytes: main!.bytes, sha256: main!.sha256! };
      }),
      more: false,
    });
    const task = await farm.feed({
      engine: 'ffmpeg',
      frames: [0],
      inputs: { frames: { step: 'render' } },
      output: { format: 'mp4', fps: 24 },
    });
    const end = await farm.end(task, 60_000);
    expect('message' in end ? end.message : '').toBe('');
    expect(end.type).toBe('completed');
    const [main] = doneOf(end)[0]!.outputs;
    expect((await objectAt(main!.key!)).subarray(4, 8).toString()).toBe('ftyp');
  });

  it('leaves no engine behind when it ends', async () => {
    await farm.end(await farm.feed(lottie), 60_000);
    await worker.end('SIGTERM');
    expect(worker.exitCode).toBe(0);
    await until(async () => (await engineGroups()).length === 0, 'every engine is gone', 2_000);
  });
});
