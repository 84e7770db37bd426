import { messageOf, FarmError } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { CancelSweep } from './cancel-sweep.ts';
import {
  claimBatch,
  closeBatch,
  endSlice,
  restBatch,
  type BatchRow,
  type SliceOutcome,
} from './batch-ledger.ts';
import { readRows, type ReadRow, type RowsCursor } from './read-rows.ts';
import type { RowsFiles } from './rows-file.ts';
import type { TakeRows } from './take-rows.ts';

/** Also how soon a batch is gone on with whose coordinator stopped in the middle. */
const INTERVAL_MS = 1_000;
/** Opening the file and moving the cursor is done once a slice. */
const ROWS_A_SLICE = 512;
const REST_SECONDS = 3;

interface ExpanderParts {
  files: RowsFiles;
  takeRows: TakeRows;
  cancelSweep: CancelSweep;
  wakeUps: WakeUps;
}

/**
 * Makes jobs of the rows of batches, in slices. Any coordinator goes on where one stopped: the cursor moves once the rows
 * before it are jobs or refused, and a row that is taken twice is the same job.
 */
export class BatchExpander {
  readonly #parts: ExpanderParts;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;

  constructor(parts: ExpanderParts, ledger: Ledger, log: Logger) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#log = log;
    this.#loop = new BackgroundLoop({
      name: 'batches',
      wakeUp: parts.wakeUps.batches,
      intervalMs: INTERVAL_MS,
      round: () => this.#round(),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** @returns whether there was something to do. */
  async #round(): Promise<boolean> {
    const batch = await claimBatch(this.#ledger, newId('l'));
    if (!batch) return false;
    try {
      if (batch.state === 'cancelling') await this.#parts.cancelSweep.slice(batch);
      else await this.#slice(batch);
    } catch (error) {
      await this.#failed(batch, error);
    }
    return true;
  }

  async #slice(batch: BatchRow): Promise<void> {
    const file = await this.#parts.files.open(batch.document.rows);
    const from = { position: Number(batch.position), lines: batch.lines, rows: batch.rows_read };
    const { rows, end } = await readRows(file, from, ROWS_A_SLICE);
    const taken = await this.#parts.takeRows.take(batch, rows);
    const last = rows[taken.count - 1];
    const wholeSlice = taken.count === rows.length;
    const cursor = wholeSlice && end !== null ? end : cursorAfter(rows, taken.count, from);
    // A row that was only checked is no job yet.
    const accepted = batch.state === 'checking' ? 0 : taken.accepted;
    const outcome: SliceOutcome = { cursor, accepted, refused: taken.refused };
    if (wholeSlice && end !== null)
      outcome.next = whatFollows(batch, end, batch.refused + taken.refused.length);
    await endSlice(this.#ledger, batch, outcome);
    this.#log.debug({ batch: batch.id, row: last?.row, accepted: taken.accepted }, 'a slice of a batch');
  }

  /** What cannot be read will not be read later either; a server that is away comes back. */
  async #failed(batch: BatchRow, error: unknown): Promise<void> {
    const reason = messageOf(error);
    this.#log.warn({ batch: batch.id, error: reason }, 'a batch cannot go on');
    if (error instanceof FarmError && error.code !== 'unavailable' && batch.state !== 'cancelling')
      await closeBatch(this.#ledger, batch, { state: 'refused', error: reason });
    else await restBatch(this.#ledger, batch, { seconds: REST_SECONDS, error: reason });
  }
}

function cursorAfter(rows: readonly ReadRow[], count: number, from: RowsCursor): RowsCursor {
  return rows[count - 1]?.after ?? from;
}

function whatFollows(batch: BatchRow, end: RowsCursor, refused: number): NonNullable<SliceOutcome['next']> {
  const rowsTotal = end.rows;
  if (rowsTotal === 0) return { state: 'refused', error: 'The file holds no rows.', rowsTotal, again: false };
  if (batch.state === 'expanding') return { state: 'expanded', error: null, rowsTotal, again: false };
  if (refused === 0) return { state: 'expanding', error: null, rowsTotal, again: true };
  const rows = `${refused.toLocaleString('en')} of ${rowsTotal.toLocaleString('en')}`;
  const error = `${rows} rows are bad, so none was taken (strict). Put them right, or send the batch without strict.`;
  return { state: 'refused', error, rowsTotal, again: false };
}
