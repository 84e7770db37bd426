import { extname, join } from 'node:path';
import {
  batchSummarySchema,
  type Batch,
  type RowResult,
  type RowResultsPage,
} from '../../shared/contracts/batch.ts';
import { csvLine } from '../../shared/domain/csv-text.ts';
import { fileSafeName } from '../../shared/domain/row-name.ts';
import { isEndedJob, type JobState } from '../../shared/domain/states.ts';
import { ResultDownloader } from '../support/download.ts';
import type { FarmClient } from '../support/farm-client.ts';
import type { Output } from '../support/output.ts';
import { patiently } from '../support/patience.ts';
import { forEachParallel, pause } from '../support/pool.ts';
import type { Progress } from '../support/progress.ts';
import { count } from '../support/table.ts';

const POLL_MS = 1_000;
const ROWS_A_PAGE = 200;
const ROWS_AT_ONCE = 4;
const FILES_IN_CELL = ' | ';

interface FollowTools {
  client: FarmClient;
  progress: Progress;
  signal: AbortSignal;
}

/** A row's result with the files that were taken home, where they were. */
export interface TakenRow extends RowResult {
  paths: string[];
}

/** Waits until a batch and all of its jobs have ended, or stand still until somebody decides, and shows how far it is. */
export async function waitForBatch(id: string, { client, progress, signal }: FollowTools): Promise<Batch> {
  for (;;) {
    const batch = await patiently(() => client.batch(id, 0), { signal, say: (text) => progress.note(text) });
    showBatch(progress, batch);
    if (batch.ended || standsStill(batch)) return batch;
    await pause(POLL_MS, signal);
  }
}

/** All rows are taken, and what has not ended is held. */
function standsStill({ state, jobs }: Batch): boolean {
  if (state !== 'expanded') return false;
  return Object.keys(jobs).every((job) => isEndedJob(job as JobState) || job === 'held');
}

export function showBatch(progress: Progress, batch: Batch): void {
  const { rows, jobs } = batch;
  const ended = Object.entries(jobs).filter(([state]) => isEndedJob(state as JobState));
  const done = ended.reduce((sum, [, jobsOfState]) => sum + jobsOfState, 0);
  progress.update(batch.id, {
    label: batch.name,
    done: done + rows.refused,
    total: rows.total ?? rows.accepted + rows.refused,
    note: batchNote(batch),
  });
}

/** `expanding, 3 failed, 2 refused` */
function batchNote({ state, rows, jobs }: Batch): string {
  const words = [
    state,
    ...Object.entries(jobs)
      .filter(([job]) => job === 'failed' || job === 'held' || job === 'cancelled')
      .map(([job, jobsOfState]) => `${jobsOfState} ${job}`),
  ];
  return [...words, ...(rows.refused > 0 ? [`${rows.refused} refused`] : [])].join(', ');
}

/** Every row with what came of it, in order. */
export async function* rowsOf(
  id: string,
  { client, progress, signal }: FollowTools,
): AsyncGenerator<RowResult> {
  let cursor: string | undefined;
  do {
    const at = cursor;
    const page: RowResultsPage = await patiently(
      () => client.batchResults(id, { limit: ROWS_A_PAGE, ...(at === undefined ? {} : { cursor: at }) }),
      { signal, say: (text) => progress.note(text) },
    );
    yield* page.rows;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

/**
 * Takes a batch's files home, each row's under the row's name: one file as that name, several in a folder of it. Where
 * videos were made, only those.
 * @returns the rows, in order, as they come
 */
export async function* takeRows(batch: Batch, dir: string, tools: FollowTools): AsyncGenerator<TakenRow> {
  const names = new UniqueNames();
  for await (const few of chunksOf(rowsOf(batch.id, tools), ROWS_AT_ONCE)) {
    const taken = few.map((row): TakenRow => ({ ...row, paths: [] }));
    // Names in order, so that the same batch gives the same files each time.
    const wanted = taken.map((row) => ({ row, name: row.files > 0 ? names.of(row) : '' }));
    await forEachParallel(wanted, ROWS_AT_ONCE, async ({ row, name }) => {
      if (row.jobId === null || row.files === 0) return;
      row.paths = await takeRow(batch, row.jobId, { dir, name }, tools);
    });
    yield* taken;
  }
}

async function takeRow(
  { encode }: Batch,
  jobId: string,
  { dir, name }: { dir: string; name: string },
  tools: FollowTools,
): Promise<string[]> {
  const step = encode === null ? undefined : 'encode';
  const first = await tools.client.results(jobId, step === undefined ? {} : { step });
  const alone = first.next === null && first.files.length === 1;
  const downloader = new ResultDownloader(jobId, alone ? dir : join(dir, name), {
    ...tools,
    ...(step === undefined ? {} : { selection: { step } }),
    ...(alone ? { nameOf: (file: { name: string }) => `${name}${extname(file.name)}` } : {}),
  });
  if (first.files.length > 0) await downloader.takeAll();
  return downloader.files.map((file) => file.path);
}

/** Rows may have one name, and file systems may hold `a` and `A` for one. */
class UniqueNames {
  readonly #used = new Set<string>();

  of({ name, row }: RowResult): string {
    // Names were made safe by the farm; what comes from it is believed of nobody.
    const safe = fileSafeName(name) || `row ${row}`;
    const own = this.#used.has(keyOf(safe)) ? `${safe} (row ${row})` : safe;
    this.#used.add(keyOf(own));
    return own;
  }
}

const keyOf = (name: string): string => name.normalize('NFC').toLowerCase();

async function* chunksOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let few: T[] = [];
  for await (const item of items) {
    few.push(item);
    if (few.length < size) continue;
    yield few;
    few = [];
  }
  if (few.length > 0) yield few;
}

/** Writes what came of each row to stdout: CSV or, with `--json`, one document. */
export async function writeResults(
  out: Output,
  batch: Batch,
  rows: AsyncIterable<RowResult | TakenRow>,
): Promise<void> {
  if (out.json) {
    const summary = batchSummarySchema.parse(batch);
    await out.write(`{"batch":${JSON.stringify(summary)},"rows":`);
    await out.streamArray(rows);
    await out.write('}\n');
    return;
  }
  await out.write(csvLine(['row', 'name', 'state', 'files', 'error']));
  for await (const row of rows) {
    const files = 'paths' in row ? row.paths.join(FILES_IN_CELL) : row.files;
    await out.write(csvLine([row.row, row.name, row.state, files, row.error]));
  }
}

/** What a batch came to, in a sentence. */
export function batchSentence({ id, state, error, rows, jobs }: Batch): string {
  const said = Object.entries(jobs).map(([job, jobsOfState]) => `${jobsOfState} ${job}`);
  const refused = rows.refused === 0 ? [] : [`${count(rows.refused, 'row')} refused`];
  const outcome = [...said, ...refused].join(', ') || 'no rows yet';
  return `Batch ${id} is ${state}: ${outcome}.${error === null ? '' : ` ${error}`}`;
}

/** Every row became a job, and every job is complete. */
export function isWhole({ state, rows, jobs }: Batch): boolean {
  return state === 'expanded' && rows.refused === 0 && Object.keys(jobs).every((job) => job === 'completed');
}
