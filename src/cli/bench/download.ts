import { createHash, randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { FarmError } from '../../shared/domain/errors.ts';
import { createS3Client } from '../../shared/storage/s3-client.ts';
import { ResultDownloader } from '../support/download.ts';
import { Output } from '../support/output.ts';
import { forEachParallel } from '../support/pool.ts';
import { Progress } from '../support/progress.ts';
import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { median, round } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

interface Figures {
  /** By `download`: links from the farm, each file hashed, then named. Median of the runs. */
  downloadMegabytesPerSecond: number;
  /** By parallel GetObject into files, and nothing more. */
  plainMegabytesPerSecond: number;
  ratio: number;
}

interface Options extends BenchContext {
  frames: number;
  kilobytes: number;
  runs: number;
}

const JOB = 'download';
const PARALLEL = 12;
const KILOBYTE = 1_000;

/** What taking a job's results home costs beside the plain bytes, from the same store in the same run. */
export async function measureDownload(options: Options): Promise<BenchReport<'download', Figures>> {
  const { frames, kilobytes, runs, say, signal } = options;
  const environment = benchEnvironment();
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-bench-download-'));
  try {
    return await withBenchFarm({ slots: 2, say, signal }, async (farm) => {
      const s3 = createS3Client(farm.s3);
      try {
        say(`storing ${frames} results of ${kilobytes} kB …`);
        const keys = await store(farm, s3, { frames, bytes: kilobytes * KILOBYTE });
        const plain: number[] = [];
        const download: number[] = [];
        for (let run = 0; run <= runs; run++) {
          const both = [
            await timed(folder, (dir) => getPlainly(s3, farm.s3.bucket, keys, dir)),
            await timed(folder, (dir) => takeHome(farm, dir, frames, signal)),
          ] as const;
          // The first run is for caches and compiled code.
          if (run === 0) continue;
          plain.push(both[0]);
          download.push(both[1]);
          say(`run ${run}: plain ${round(both[0], 2)} s, download ${round(both[1], 2)} s`);
        }
        const megabytes = (frames * kilobytes) / 1_000;
        return benchReport(
          'download',
          environment,
          { ...(await farm.versions()), frames, kilobytes, runs, parallel: PARALLEL },
          {
            downloadMegabytesPerSecond: round(megabytes / median(download), 1),
            plainMegabytesPerSecond: round(megabytes / median(plain), 1),
            ratio: round(median(plain) / median(download), 2),
          },
        );
      } finally {
        s3.destroy();
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A job that the farm has done, with results that cannot be compressed. @returns the objects' keys */
async function store(
  farm: BenchFarm,
  s3: S3Client,
  { frames, bytes }: { frames: number; bytes: number },
): Promise<string[]> {
  await farm.client.submit({ version: 1, id: JOB, name: JOB, engine: 'null', frames: `1-${frames}` });
  await farm.completion(JOB, 120_000);
  const files = Array.from({ length: frames }, (_, i) => ({
    number: i + 1,
    key: `results/${JOB}/render/bench/main_${i + 1}.png`,
    sha256: '',
  }));
  await forEachParallel(files, PARALLEL, async (file) => {
    const Body = randomFillSync(Buffer.allocUnsafe(bytes));
    file.sha256 = createHash('sha256').update(Body).digest('hex');
    await s3.send(new PutObjectCommand({ Bucket: farm.s3.bucket, Key: file.key, Body }));
  });
  await farm.query(
    `UPDATE frames SET object_key = file.key, bytes = $4, sha256 = decode(file.sha256, 'hex')
    FROM unnest($1::int[], $2::text[], $3::text[]) AS file (number, key, sha256), steps
    WHERE steps.job_id = '${JOB}' AND frames.step_key = steps.key AND frames.number = file.number`,
    [
      files.map(({ number }) => number),
      files.map(({ key }) => key),
      files.map(({ sha256 }) => sha256),
      bytes,
    ],
  );
  return files.map(({ key }) => key);
}

/** @returns seconds */
async function timed(folder: string, work: (dir: string) => Promise<void>): Promise<number> {
  const dir = join(folder, 'run');
  await mkdir(dir);
  try {
    const start = performance.now();
    await work(dir);
    return (performance.now() - start) / 1_000;
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function getPlainly(s3: S3Client, bucket: string, keys: readonly string[], dir: string): Promise<void> {
  await forEachParallel(keys.entries(), PARALLEL, async ([index, Key]) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    await pipeline(Body as Readable, createWriteStream(join(dir, String(index))));
  });
}

async function takeHome(farm: BenchFarm, dir: string, frames: number, signal: AbortSignal): Promise<void> {
  const progress = new Progress(new Output(true));
  const downloader = new ResultDownloader(JOB, dir, { client: farm.client, progress, signal });
  await downloader.takeAll();
  if (downloader.files.filter(({ kept }) => !kept).length !== frames)
    throw new FarmError('internal', `${downloader.count} of ${frames} files were downloaded.`);
}
