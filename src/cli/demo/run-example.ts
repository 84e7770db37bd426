import { join } from 'node:path';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import { ResultDownloader } from '../support/download.ts';
import type { FarmClient } from '../support/farm-client.ts';
import type { Progress } from '../support/progress.ts';
import { jobSeconds } from '../support/show-job.ts';
import { waitForJob } from '../support/wait-for-job.ts';
import { prepareSubmission } from '../submit/prepare.ts';
import { demoDocument, type Example } from './examples.ts';

/** What became of an example; the shape that `demo --json` prints. */
export interface DemoJob {
  id: string;
  name: string;
  /** Of the first step. */
  engine: string;
  frames: number;
  done: number;
  failed: number;
  seconds: number;
  files: string[];
  error: string | null;
}

export interface DemoOptions {
  client: FarmClient;
  progress: Progress;
  signal: AbortSignal;
  /** Each example's results go into a folder of its name in there. */
  folder: string;
  noVideo: boolean;
}

/** Submits one example, waits for it and takes its results home. */
export async function runExample(example: Example, options: DemoOptions): Promise<DemoJob> {
  const { client, progress, signal, folder, noVideo } = options;
  const prepared = await prepareSubmission(
    example.document,
    {},
    { farm: () => Promise.resolve(client), progress, signal, say: () => undefined },
  );
  const document = (
    prepared instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(prepared)) : prepared
  ) as object;
  const { job } = await client.submit(demoDocument(document, noVideo));
  const ended = await waitForJob(job.id, { client, progress, signal });
  const downloader = new ResultDownloader(job.id, join(folder, example.name), { client, progress, signal });
  await downloader.takeAll();
  return toDemoJob(
    ended,
    downloader.files.map((file) => file.path),
  );
}

function toDemoJob(job: JobSummary, files: string[]): DemoJob {
  return {
    id: job.id,
    name: job.name,
    engine: job.steps[0]?.engine ?? '',
    frames: job.frames.total,
    done: job.frames.done,
    failed: job.frames.failed,
    seconds: Math.round((jobSeconds(job) ?? 0) * 100) / 100,
    files,
    error: job.error,
  };
}
