import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { BatchDocument } from '../../shared/contracts/batch.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { pause } from '../support/pool.ts';
import { registerExampleTemplates } from '../support/templates.ts';
import { uploadAsset } from '../support/upload.ts';
import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { round } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

interface Figures {
  /** Videos' worth of frames a minute: by the farm, every frame checked and stored. */
  farmRowsPerMinute: number;
  /** By a process for each row, as many at once as the farm has slots, that writes its frames and nothing more. */
  processRowsPerMinute: number;
  ratio: number;
}

const SLOTS = 2;
const FRAMES = 30;
const OUTPUT = { format: 'png', width: 320, height: 180 };
const POLL_MS = 200;
const ROOT = join(import.meta.dirname, '..', '..', '..');
const SESSION = join(ROOT, 'src/worker/engines/lottie/session.ts');
const SCENE = join(ROOT, 'examples/templates/title-card/title-card.json');

const titles = (rows: number): { title: string }[] =>
  Array.from({ length: rows }, (_, row) => ({ title: `Row ${row + 1}` }));

/** Many rows of data for one short Lottie title: what is gained by rows that follow each other in a warm session. */
export async function measureRows(
  options: BenchContext & { rows: number },
): Promise<BenchReport<'rows', Figures>> {
  const { rows, say, signal } = options;
  const environment = benchEnvironment();
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-bench-rows-'));
  try {
    say(`a process for each of ${rows} rows …`);
    const alone = await timed(() => renderAlone(folder, titles(rows), signal));
    const [farm, versions] = await withBenchFarm({ slots: SLOTS, say, signal }, async (bench) => {
      await registerExampleTemplates(bench.client, { signal });
      await runBatch(bench, folder, 'warm-up', titles(4), signal);
      say(`${rows} rows by the farm …`);
      const seconds = await timed(() => runBatch(bench, folder, 'measured', titles(rows), signal));
      return [seconds, await bench.versions()] as const;
    });
    const perMinute = (seconds: number): number => round((rows * 60) / seconds, 1);
    return benchReport(
      'rows',
      environment,
      { ...versions, rows, frames: FRAMES, slots: SLOTS },
      {
        farmRowsPerMinute: perMinute(farm),
        processRowsPerMinute: perMinute(alone),
        ratio: round(alone / farm, 2),
      },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns seconds */
async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

async function renderAlone(folder: string, data: readonly object[], signal: AbortSignal): Promise<void> {
  const rows = data.entries();
  const slot = async (): Promise<void> => {
    for (const [row, values] of rows) await renderRow(join(folder, `row-${row}`), values, signal);
  };
  await Promise.all(Array.from({ length: SLOTS }, slot));
}

/** One process that draws a row's frames, spoken to as the worker does. */
async function renderRow(outDir: string, data: object, signal: AbortSignal): Promise<void> {
  await mkdir(outDir);
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SESSION], {
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
    signal,
  });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const send = (request: object): void => void child.stdin?.write(`${JSON.stringify(request)}\n`);
  const load = { type: 'load', options: { scenePath: SCENE, data, ...OUTPUT }, threads: 1 };
  let frame = 0;
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const { type, message } = JSON.parse(line) as { type: string; message?: string };
    if (type === 'fail') throw new FarmError('internal', `A row could not be drawn: ${message ?? ''}`);
    if (type === 'ready') send(load);
    else if (frame === FRAMES) send({ type: 'quit' });
    else {
      await mkdir(join(outDir, String(frame)));
      send({ type: 'render', id: frame, frame, outDir: join(outDir, String(frame++)) });
    }
  }
  await ended;
  const files = (await readdir(outDir, { recursive: true })).filter((name) => name.endsWith('.png'));
  if (files.length !== FRAMES)
    throw new FarmError('internal', `A process drew ${files.length} of ${FRAMES} frames.`);
}

async function runBatch(
  farm: BenchFarm,
  folder: string,
  id: string,
  data: readonly object[],
  signal: AbortSignal,
): Promise<void> {
  const file = join(folder, `${id}.jsonl`);
  await writeFile(file, data.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const asset = await uploadAsset([{ path: 'rows.jsonl', file }], {
    client: farm.client,
    signal,
    label: 'rows',
  });
  const rows = `asset:${asset}/rows.jsonl`;
  const frames = `0-${FRAMES - 1}`;
  const document: BatchDocument = {
    version: 1,
    id,
    name: id,
    template: 'title-card',
    rows,
    frames,
    output: OUTPUT,
  };
  await farm.client.submitBatch(document);
  for (;;) {
    const batch = await farm.client.batch(id, 0);
    if (batch.ended) {
      if (batch.jobs.completed === data.length) break;
      throw new FarmError(
        'internal',
        `The batch ended otherwise: ${JSON.stringify(batch.jobs)} ${batch.error ?? ''}`,
      );
    }
    await pause(POLL_MS, signal);
  }
  await assertEachRowOnce(farm, id, data.length);
}

async function assertEachRowOnce(farm: BenchFarm, batch: string, rows: number): Promise<void> {
  const { jobs, done } = await farm.one<{ jobs: number; done: number }>(
    `SELECT count(DISTINCT jobs.id)::int AS jobs, count(*) FILTER (WHERE frames.state = 'done')::int AS done
    FROM jobs JOIN steps ON steps.job_id = jobs.id JOIN frames ON frames.step_key = steps.key
    WHERE jobs.labels ->> 'batch' = $1`,
    [batch],
  );
  if (jobs !== rows || done !== rows * FRAMES)
    throw new FarmError('internal', `${rows} rows gave ${jobs} jobs with ${done} frames done.`);
}
