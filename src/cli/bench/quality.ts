import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgePicture } from '../../shared/quality/judge.ts';
import { measurePicture } from '../../shared/quality/measure-picture.ts';
import { CompiledPolicy } from '../../shared/quality/policy.ts';
import { encodeThumbnail } from '../../shared/quality/thumbnail-file.ts';
import { hashFile } from '../../shared/storage/hash-file.ts';
import { layeredExr, renderedPng } from './bench-pictures.ts';
import { benchEnvironment } from './environment.ts';
import { median, percentile, round, roundMs } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

/** Milliseconds of processor time, of all threads together, from the file to its verdict and thumbnail. */
interface Figures {
  png320x180P50CpuMs: number;
  png1920x1080P50CpuMs: number;
  png1920x1080P99CpuMs: number;
  /** Of a frame that took a second to render. */
  png1920x1080PercentOfASecond: number;
  exrMegabytes: number;
  exrP50CpuMs: number;
  /** SHA-256 of the PNG's file alone, which is nothing new: the floor. */
  hashOnlyP50CpuMs: number;
}

/** Six layers of a full-HD picture with a renderer's noise are 60 MB. */
const EXR_LAYERS = 6;
const EXR_RUNS = 5;

/** What it costs to decode, measure and judge a frame. */
export async function measureQuality({
  frames,
  say,
  signal,
}: BenchContext & { frames: number }): Promise<BenchReport<'quality', Figures>> {
  const environment = benchEnvironment();
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-quality-'));
  try {
    say('making pictures …');
    const small = await write(join(folder, 'small.png'), await renderedPng(320, 180));
    const large = await write(join(folder, 'large.png'), await renderedPng(1_920, 1_080));
    const exrBytes = layeredExr(1_920, 1_080, EXR_LAYERS);
    const exr = await write(join(folder, 'layers.exr'), exrBytes);
    say(`checking ${frames} frames of each size …`);
    const smallMs = await time(frames, signal, () => check(small));
    const largeMs = await time(frames, signal, () => check(large));
    const hashMs = await time(frames, signal, () => hashFile(large));
    say(`checking ${EXR_RUNS} times an EXR of ${Math.round(exrBytes.length / 1e6)} MB …`);
    const exrMs = await time(EXR_RUNS, signal, () => check(exr));
    return benchReport(
      'quality',
      environment,
      { frames, exrLayers: EXR_LAYERS, exrRuns: EXR_RUNS },
      {
        png320x180P50CpuMs: roundMs(median(smallMs)),
        png1920x1080P50CpuMs: roundMs(median(largeMs)),
        png1920x1080P99CpuMs: roundMs(percentile(largeMs, 99)),
        png1920x1080PercentOfASecond: round(median(largeMs) / 10, 2),
        exrMegabytes: round(exrBytes.length / 1e6, 1),
        exrP50CpuMs: roundMs(median(exrMs)),
        hashOnlyP50CpuMs: roundMs(median(hashMs)),
      },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(path: string, bytes: Buffer): Promise<string> {
  await writeFile(path, bytes);
  return path;
}

async function check(path: string): Promise<void> {
  await hashFile(path);
  const picture = await measurePicture(path, null);
  judgePicture(picture, new CompiledPolicy(), {}, 1);
  await encodeThumbnail(picture.thumbnail);
}

/** Milliseconds of processor time of each run, after one that warms up: others on the machine change it little. */
async function time(runs: number, signal: AbortSignal, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run <= runs; run++) {
    signal.throwIfAborted();
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (run > 0) times.push((user + system) / 1_000);
  }
  return times;
}
