import { sql, type Selectable } from 'kysely';
import { MAX_KEPT_REFUSALS, type RefusedRow } from '../../shared/contracts/batch.ts';
import type { BatchState } from '../../shared/contracts/batch.ts';
import type { BatchesTable } from '../../shared/database/batch-tables.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { RowsCursor } from './read-rows.ts';

export type BatchRow = Selectable<BatchesTable>;

/** Longer than a slice takes; a coordinator that died in the middle holds a batch up for so long. */
const LEASE_SECONDS = 15;

/** What one slice came to. */
export interface SliceOutcome {
  cursor: RowsCursor;
  accepted: number;
  refused: readonly RefusedRow[];
  /** What follows, where that is another state than before. */
  next?: { state: BatchState; error: string | null; rowsTotal: number; again: boolean };
}

/** Takes the open batch that has waited longest. @returns undefined when there is none, or others work on them all */
export async function claimBatch(ledger: Ledger, lease: string): Promise<BatchRow | undefined> {
  const { rows } = await sql<BatchRow>`
    UPDATE batches SET lease = ${lease}, leased_until = now() + make_interval(secs => ${LEASE_SECONDS}) WHERE id = (
      SELECT id FROM batches WHERE state IN ('checking', 'expanding', 'cancelling')
        AND (leased_until IS NULL OR leased_until < now())
      ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING *`.execute(ledger);
  return rows[0];
}

/**
 * Writes how far a batch has come, and gives it back. Nothing is written for one that was cancelled, or taken over by
 * another coordinator, in the meantime.
 */
export async function endSlice(ledger: Ledger, batch: BatchRow, outcome: SliceOutcome): Promise<void> {
  const { cursor, accepted, refused, next } = outcome;
  const kept = refused.slice(0, Math.max(0, MAX_KEPT_REFUSALS - batch.refused));
  const again = next?.again === true;
  const { rows } = await sql`
    WITH slice AS (
      UPDATE batches SET lease = NULL, leased_until = NULL, updated_at = now(),
        state = ${next?.state ?? batch.state}, error = ${next?.error ?? null}, rows_total = ${next?.rowsTotal ?? batch.rows_total},
        position = ${again ? 0 : cursor.position}, lines = ${again ? 0 : cursor.lines}, rows_read = ${again ? 0 : cursor.rows},
        accepted = ${again ? 0 : batch.accepted + accepted}, refused = ${batch.refused + refused.length}
      WHERE id = ${batch.id} AND lease = ${batch.lease} AND state = ${batch.state} RETURNING id
    ), kept AS (
      INSERT INTO batch_refused_rows (batch_id, row, line, errors)
      SELECT slice.id, r.row, r.line, r.errors
      FROM slice CROSS JOIN jsonb_to_recordset(${JSON.stringify(kept)}::jsonb) AS r(row integer, line integer, errors jsonb)
      ON CONFLICT DO NOTHING
    )
    SELECT id FROM slice`.execute(ledger);
  if (rows.length > 0) return;
  // It was cancelled while the slice made jobs, or after a long stand-still: they are swept up once more.
  await sql`UPDATE batches SET state = CASE state WHEN 'cancelled' THEN 'cancelling' ELSE state END,
      lease = CASE lease WHEN ${batch.lease} THEN NULL ELSE lease END,
      leased_until = CASE lease WHEN ${batch.lease} THEN NULL ELSE leased_until END
    WHERE id = ${batch.id}`.execute(ledger);
}

/** Gives a batch back that cannot go on now; it is tried again after so long. */
export async function restBatch(
  ledger: Ledger,
  batch: BatchRow,
  { seconds, error }: { seconds: number; error: string | null },
): Promise<void> {
  await sql`UPDATE batches SET lease = NULL, leased_until = now() + make_interval(secs => ${seconds}),
      updated_at = now(), error = ${error}
    WHERE id = ${batch.id} AND lease = ${batch.lease}`.execute(ledger);
}

/** Ends a batch as it is. */
export async function closeBatch(
  ledger: Ledger,
  batch: BatchRow,
  end: { state: BatchState; error: string | null },
): Promise<void> {
  await sql`UPDATE batches SET lease = NULL, leased_until = NULL, updated_at = now(), state = ${end.state}, error = ${end.error}
    WHERE id = ${batch.id} AND lease = ${batch.lease} AND state = ${batch.state}`.execute(ledger);
}
