import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FarmError } from '../../shared/domain/errors.ts';
import { findOnPath } from '../../shared/programs/find-on-path.ts';
import { pause } from '../support/pool.ts';
import { uploadAsset } from '../support/upload.ts';
import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { median, round } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

interface Figures {
  /**
   * Plain Blender's seconds ÷ the farm's, with a scene that no worker has seen, on workers that have used Blender before and
   * so have it started: median of the pairs.
   */
  ratio: number;
  farmSeconds: number;
  limitSeconds: number;
  /** The same with the scene loaded on the workers. */
  warmRatio: number;
  warmSeconds: number;
  /** Of each pair. */
  ratios: number[];
  warmRatios: number[];
}

const SLOTS = 2;
const FRAMES = 60;
const SCENE_SCRIPT = join(import.meta.dirname, 'efficiency-scene.py');
const JOB_TIMEOUT_MS = 300_000;
/** After a job the worker readies engines for the next one; that must not take cores from the turn that is measured. */
const REST_MS = 6_000;

/**
 * How much of a machine's rendering is left when a farm does it: an animation by the farm, and by one plain
 * `blender -a` process a slot, each with an equal part of the frames. The two take turns.
 */
export async function measureEfficiency(
  options: BenchContext & { pairs: number },
): Promise<BenchReport<'efficiency', Figures>> {
  const { pairs, say, signal } = options;
  const environment = benchEnvironment();
  const blender = await findBlender(signal);
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-bench-scene-'));
  try {
    return await withBenchFarm({ slots: SLOTS, say, signal }, async (farm) => {
      const runs: { limit: number; farm: number; warm: number }[] = [];
      // The pair before the first one fills the page cache and compiles the farm's code; it does not count.
      for (let pair = 0; pair <= pairs; pair++) {
        const scene = join(folder, `scene-${pair}.blend`);
        await makeScene(blender.program, scene, `Run ${pair}`, signal);
        await pause(REST_MS, signal);
        const limit = await runPlainBlender(blender.program, scene, join(folder, `frames-${pair}`), signal);
        const asset = await upload(farm, scene, pair, signal);
        const cold = await runFarm(farm, `cold-${pair}`, asset);
        const warm = await runFarm(farm, `warm-${pair}`, asset);
        const seconds = `plain blender ${limit.toFixed(2)} s, farm ${cold.toFixed(2)} s, warm ${warm.toFixed(2)} s`;
        say(pair === 0 ? `warm-up: ${seconds}` : `pair ${pair}: ${seconds}`);
        if (pair > 0) runs.push({ limit, farm: cold, warm });
      }
      const { version } = blender;
      const settings = { ...(await farm.versions()), blender: version, frames: FRAMES, pairs, slots: SLOTS };
      return benchReport('efficiency', environment, settings, figuresOf(runs));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function figuresOf(runs: readonly { limit: number; farm: number; warm: number }[]): Figures {
  const ratios = runs.map((run) => round(run.limit / run.farm, 3));
  const warmRatios = runs.map((run) => round(run.limit / run.warm, 3));
  return {
    ratio: round(median(ratios), 3),
    farmSeconds: round(median(runs.map((run) => run.farm)), 2),
    limitSeconds: round(median(runs.map((run) => run.limit)), 2),
    warmRatio: round(median(warmRatios), 3),
    warmSeconds: round(median(runs.map((run) => run.warm)), 2),
    ratios,
    warmRatios,
  };
}

/** @throws FarmError `unavailable` when there is none. */
async function findBlender(signal: AbortSignal): Promise<{ program: string; version: string }> {
  const program = findOnPath('blender');
  if (program === undefined)
    throw new FarmError(
      'unavailable',
      'This bench needs the program blender on the PATH: it is what the farm is measured against.',
    );
  const { stdout } = await promisify(execFile)(program, ['-b', '--version'], { signal });
  return { program, version: /Blender (\S+)/.exec(stdout)?.[1] ?? 'unknown' };
}

async function makeScene(program: string, file: string, name: string, signal: AbortSignal): Promise<void> {
  const args = ['-b', '--factory-startup', '--python-exit-code', '64', '--python', SCENE_SCRIPT];
  await promisify(execFile)(program, [...args, '--', file, name, String(FRAMES)], { signal });
}

/** The limit: one process a slot, started at once, each with its part of the frames and of the cores. @returns seconds. */
async function runPlainBlender(
  program: string,
  scene: string,
  folder: string,
  signal: AbortSignal,
): Promise<number> {
  await mkdir(folder);
  const each = FRAMES / SLOTS;
  const threads = Math.max(1, Math.floor(availableParallelism() / SLOTS));
  const start = performance.now();
  await Promise.all(
    Array.from({ length: SLOTS }, (_, slot) => {
      const range = ['-s', String(slot * each + 1), '-e', String((slot + 1) * each)];
      const args = ['-b', '--factory-startup', '-noaudio', scene, '-t', String(threads)];
      return runToEnd(program, [...args, '-o', join(folder, 'frame-####'), ...range, '-a'], signal);
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  const files = await readdir(folder);
  if (files.length !== FRAMES)
    throw new FarmError('internal', `Plain Blender wrote ${files.length} of ${FRAMES} frames.`);
  return seconds;
}

function runToEnd(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'ignore', signal });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new FarmError('internal', `Plain Blender ended with code ${code ?? 'none'}.`));
    });
  });
}

async function upload(farm: BenchFarm, scene: string, pair: number, signal: AbortSignal): Promise<string> {
  const path = `scene-${pair}.blend`;
  const files = [{ path, file: scene }];
  return `asset:${await uploadAsset(files, { client: farm.client, signal, label: 'scene' })}/${path}`;
}

/** @returns seconds from the submission to the job's end, by which every frame is checked and stored. */
async function runFarm(farm: BenchFarm, id: string, scene: string): Promise<number> {
  const start = performance.now();
  await farm.client.submit({
    ...{ version: 1, id, name: id, engine: 'blender', scene },
    ...{ frames: `1-${FRAMES}`, output: { format: 'png' } },
  });
  await farm.completion(id, JOB_TIMEOUT_MS);
  const seconds = (performance.now() - start) / 1_000;
  await farm.assertEachFrameOnce(id, FRAMES);
  return seconds;
}
