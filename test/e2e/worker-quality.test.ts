import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import type { FrameResult, TaskStatus } from '../../src/shared/contracts/messages.ts';
import { decodeThumbnail } from '../../src/shared/quality/thumbnail-file.ts';
import { blenderEngine } from '../../src/worker/engines/blender/engine.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { engineHere } from '../support/engine-needs.ts';
import { PlayCoordinator, type TaskOptions } from '../support/play-coordinator.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const blender = await engineHere(blenderEngine, 'blender');
const hasDenoiser = blender.detected.features.includes('oidn');
const EMPTY = { v: '5.12.0', fr: 10, ip: 0, op: 10, w: 64, h: 32, assets: [], layers: [] };

let context: TestContext;
let farm: PlayCoordinator;
let worker: WorkerProcess;
let lottie: TaskOptions;

beforeAll(async () => {
  context = await createTestContext();
  farm = await PlayCoordinator.start(context, 'w1');
  worker = new WorkerProcess(context, {
    FARMHAND_WORKER_ID: 'w1',
    FARMHAND_ENGINES: 'lottie,blender',
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

async function emptyTask(quality?: TaskOptions['quality']): Promise<FrameResult[]> {
  const scene = await farm.storeScene({ 'empty.json': JSON.stringify(EMPTY) }, 'empty.json');
  const end = await farm.end(
    await farm.feed({ ...lottie, scene, frames: [3], ...(quality && { quality }) }),
    60_000,
  );
  expect(end.type).toBe('completed');
  return doneOf(end);
}

describe('what a worker says of its pictures', () => {
  it('sends verdict and measures with each frame, and its thumbnail once', async () => {
    const task = await farm.feed(lottie);
    const end = await farm.end(task, 60_000);
    for (const { quality } of doneOf(end)) {
      expect(quality).toMatchObject({ verdict: 'pass', findings: [] });
      expect(quality?.measures).toMatchObject({ width: 160, height: 90, channels: 4, depth: 'uint8' });
    }
    expect(new Set(doneOf(end).map(({ quality }) => quality?.measures?.pixels)).size).toBe(3);
    const said = farm.of(task).flatMap(doneOf);
    for (const number of [0, 1, 2]) {
      const thumbnails = said.flatMap((one) => (one.number === number ? (one.quality?.thumbnail ?? []) : []));
      expect(thumbnails).toHaveLength(1);
      expect(await decodeThumbnail(thumbnails[0]!)).toHaveLength(64 * 36 * 3);
    }
  });

  it('delivers a blank picture with its verdict, which the farm judges; a policy says what counts', async () => {
    const [failed] = await emptyTask();
    expect(failed?.outputs[0]?.bytes).toBeGreaterThan(0);
    expect(failed?.quality).toMatchObject({
      verdict: 'fail',
      findings: [{ check: 'blank', message: 'It is blank: all of it is transparent.' }],
    });
    const [intended] = await emptyTask({ intended: [{ frames: '1-5', checks: ['blank'] }] });
    expect(intended?.quality?.verdict).toBe('pass');
    const [warned] = await emptyTask({ checks: { blank: { verdict: 'warn' } } });
    expect(warned?.quality?.verdict).toBe('warn');
    expect((await emptyTask({ mode: 'off' }))[0]).not.toHaveProperty('quality');
  });

  it.skipIf(blender.skip || hasDenoiser)(
    `fails a scene that this Blender cannot denoise, with Blender's line${blender.note}`,
    async () => {
      const fixtures = join(import.meta.dirname, '../fixtures/blend');
      const args = ['-b', '--factory-startup', '--python-exit-code', '64', '--python'];
      const script = join(fixtures, 'make-render-blends.py');
      await promisify(execFile)(blender.detected.program, [...args, script, '--', context.folder], {
        maxBuffer: 50_000_000,
      });
      const blend = await readFile(join(context.folder, 'denoised.blend'));
      const scene = await farm.storeScene({ 'denoised.blend': blend }, 'denoised.blend');
      const end = await farm.end(
        await farm.feed({ engine: 'blender', frames: [1], scene, output: { format: 'png' } }),
        120_000,
      );
      expect(end).toMatchObject({ type: 'failed', class: 'scene', failedFrame: 1, done: [] });
      expect('message' in end ? end.message : '').toContain('Build without OpenImageDenoiser');
    },
  );
});
