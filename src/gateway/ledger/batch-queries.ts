import { sql } from 'kysely';
import { z } from 'zod';
import type {
  Batch,
  BatchesPage,
  RefusedRow,
  RowResult,
  RowResultsPage,
} from '../../shared/contracts/batch.ts';
import { isRowOfBatch, readBatchSummary, toBatchSummaries } from '../../shared/database/batch-summaries.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';

const batchCursor = z.tuple([
  z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/),
  z.string().max(64),
]);
const rowCursor = z.tuple([z.int().min(0)]);

/** Reads of batches for people and programs. */
export class BatchQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Newest first. */
  async list(limit: number, cursor: string | undefined): Promise<BatchesPage> {
    const after = decodeCursor(batchCursor, cursor);
    const rows = await this.#ledger
      .selectFrom('batches')
      .selectAll()
      .select(
        sql<string>`to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`.as('exact_time'),
      )
      .$if(after !== undefined, (q) =>
        q.where(
          sql<boolean>`(created_at, id) < ((${after?.[0]}::timestamp AT TIME ZONE 'UTC'), ${after?.[1]})`,
        ),
      )
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return {
      batches: await toBatchSummaries(this.#ledger, page),
      next: last ? encodeCursor([last.exact_time, last.id]) : null,
    };
  }

  /** @param refused how many refused rows are listed. @throws FarmError `not-found` */
  async get(id: string, refused: number): Promise<Batch> {
    const summary = await readBatchSummary(this.#ledger, id);
    if (!summary) throw new FarmError('not-found', `There is no batch ${id}.`);
    return { ...summary, refused: await this.#refusedRows(id, refused) };
  }

  /** What came of each row, by row. Of refused rows those that were kept. */
  async results(id: string, limit: number, cursor: string | undefined): Promise<RowResultsPage> {
    const after = decodeCursor(rowCursor, cursor)?.[0] ?? 0;
    const [jobs, refused] = await Promise.all([
      this.#jobsAfter(id, after, limit + 1),
      this.#refusedRows(id, limit + 1, after),
    ]);
    const rows = [...jobs, ...refused.map(toRefusedResult)].sort((a, b) => a.row - b.row);
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return { rows: page, next: last ? encodeCursor([last.row]) : null };
  }

  /** Ids of one batch sort by length and then by text as their rows do. */
  async #jobsAfter(id: string, row: number, limit: number): Promise<RowResult[]> {
    const after = `${id}-${row}`;
    const { rows } = await sql<RowResult>`
      SELECT (jobs.labels->>'row')::int AS row, jobs.name, jobs.state, jobs.id AS "jobId", jobs.error,
        (SELECT coalesce(sum(steps.done), 0)::int FROM steps WHERE steps.job_id = jobs.id) AS files
      FROM jobs WHERE jobs.labels->>'batch' = ${id} AND ${isRowOfBatch}
        AND (length(jobs.id), jobs.id) > (${after.length}::int, ${after})
      ORDER BY length(jobs.id), jobs.id LIMIT ${limit}`.execute(this.#ledger);
    return rows;
  }

  async #refusedRows(id: string, most: number, after = 0): Promise<RefusedRow[]> {
    return await this.#ledger
      .selectFrom('batch_refused_rows')
      .select(['row', 'line', 'errors'])
      .where('batch_id', '=', id)
      .where('row', '>', after)
      .orderBy('row')
      .limit(most)
      .execute();
  }
}

function toRefusedResult({ row, line, errors }: RefusedRow): RowResult {
  const what = errors.map(
    ({ path, value, expected }) => `${path === '' ? '' : `${path} `}got ${value}, expected ${expected}`,
  );
  const error = `line ${line}: ${what.join('; ')}`;
  return { row, name: '', state: 'refused', jobId: null, files: 0, error };
}
