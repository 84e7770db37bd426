import { sql, type Selectable } from 'kysely';
import type { BatchSummary } from '../contracts/batch.ts';
import { isEndedJob, type JobState } from '../domain/states.ts';
import type { BatchesTable } from './batch-tables.ts';
import type { Ledger } from './connect.ts';

type BatchRow = Selectable<BatchesTable>;

/** What people see of a batch; undefined when there is none of this id. */
export async function readBatchSummary(ledger: Ledger, id: string): Promise<BatchSummary | undefined> {
  const row = await ledger.selectFrom('batches').selectAll().where('id', '=', id).executeTakeFirst();
  return row && (await toBatchSummaries(ledger, [row]))[0];
}

/** Batches with their jobs counted, in the order of the rows. */
export async function toBatchSummaries(ledger: Ledger, rows: readonly BatchRow[]): Promise<BatchSummary[]> {
  const counts = await countJobs(
    ledger,
    rows.map((row) => row.id),
  );
  return rows.map((row) => toSummary(row, counts.get(row.id) ?? {}));
}

/** Of jobs with a batch's label, only those that were made for its rows: another one may have been made from them by hand. */
export const isRowOfBatch = sql<boolean>`(jobs.id = (jobs.labels->>'batch') || '-' || (jobs.labels->>'row')
  AND jobs.labels->>'row' ~ '^[1-9][0-9]{0,8}$')`;

async function countJobs(
  ledger: Ledger,
  ids: readonly string[],
): Promise<Map<string, Partial<Record<JobState, number>>>> {
  const { rows } = await sql<{ batch: string; state: JobState; jobs: number }>`
    SELECT batch.id AS batch, jobs.state, count(*)::int AS jobs
    FROM unnest(${[...ids]}::text[]) AS batch(id) JOIN jobs ON jobs.labels->>'batch' = batch.id
    WHERE ${isRowOfBatch} GROUP BY batch.id, jobs.state`.execute(ledger);
  const counts = new Map<string, Partial<Record<JobState, number>>>();
  for (const { batch, state, jobs } of rows) counts.set(batch, { ...counts.get(batch), [state]: jobs });
  return counts;
}

function toSummary(row: BatchRow, jobs: Partial<Record<JobState, number>>): BatchSummary {
  const settled = row.state === 'expanded' || row.state === 'refused' || row.state === 'cancelled';
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    project: row.project,
    template: `${row.template}@${row.template_version}`,
    encode: row.document.encode ?? null,
    state: row.state,
    error: row.error,
    rows: { total: row.rows_total, accepted: row.accepted, refused: row.refused },
    jobs,
    ended: settled && Object.keys(jobs).every((state) => isEndedJob(state as JobState)),
    createdAt: row.created_at.toISOString(),
  };
}
