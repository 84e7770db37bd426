import { sql } from 'kysely';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/** Rows that one statement removes: a job of ten million frames must not stop the ledger. */
const ROWS_A_SLICE = 5_000;

/**
 * Removes the next rows of an erased job: attempts, tasks, then frames with their outputs and verdicts. Steps stay, with
 * how many frames they had and how long these took; other jobs may still name them.
 * @param after the last frame that was removed, by step: rows that are gone are not looked for again
 * @returns whether anything was left to remove
 */
export async function eraseRows(
  trx: LedgerTransaction,
  jobId: string,
  after: Map<string, number>,
): Promise<boolean> {
  if ((await eraseAttempts(trx, jobId)) > 0) return true;
  if ((await eraseTasks(trx, jobId)) > 0) return true;
  const { rows: steps } = await sql<{ key: string }>`
    SELECT key FROM steps WHERE job_id = ${jobId} ORDER BY key`.execute(trx);
  for (const { key } of steps) {
    const last = await eraseFrames(trx, key, after.get(key) ?? null);
    if (last === null) continue;
    after.set(key, last);
    return true;
  }
  await eraseRest(trx, jobId);
  return false;
}

async function eraseAttempts(trx: LedgerTransaction, jobId: string): Promise<number> {
  const { rows } = await sql`
    DELETE FROM attempts WHERE id = ANY(ARRAY(SELECT id FROM attempts WHERE job_id = ${jobId} LIMIT ${ROWS_A_SLICE}))
    RETURNING 1`.execute(trx);
  return rows.length;
}

async function eraseTasks(trx: LedgerTransaction, jobId: string): Promise<number> {
  const { rows } = await sql`
    DELETE FROM tasks WHERE key = ANY(ARRAY(
      SELECT key FROM tasks WHERE job_id = ${jobId} AND state = 'ended' LIMIT ${ROWS_A_SLICE}
    )) RETURNING 1`.execute(trx);
  return rows.length;
}

/** @returns the number of the last frame; null when there is none after `after`. */
async function eraseFrames(
  trx: LedgerTransaction,
  stepKey: string,
  after: number | null,
): Promise<number | null> {
  const { rows } = await sql<{ number: number; tid: string }>`
    SELECT number, ctid::text AS tid FROM frames
    WHERE step_key = ${stepKey} AND (${after}::int IS NULL OR number > ${after})
    ORDER BY number LIMIT ${ROWS_A_SLICE}`.execute(trx);
  const last = rows.at(-1)?.number ?? null;
  if (last === null) return null;
  const numbers = sql`step_key = ${stepKey} AND number = ANY(${rows.map((row) => row.number)}::int[])`;
  await sql`DELETE FROM frame_quality WHERE ${numbers}`.execute(trx);
  await sql`DELETE FROM judged_attempts WHERE ${numbers}`.execute(trx);
  await sql`DELETE FROM frames WHERE ctid = ANY(${rows.map((row) => row.tid)}::tid[]) AND step_key = ${stepKey}`.execute(
    trx,
  );
  return last;
}

/** What was asked of the job and by whom stays. */
async function eraseRest(trx: LedgerTransaction, jobId: string): Promise<void> {
  await sql`DELETE FROM step_failures f USING steps s WHERE s.job_id = ${jobId} AND f.step_key = s.key`.execute(
    trx,
  );
  await trx.deleteFrom('job_notes').where('job_id', '=', jobId).execute();
  await trx.deleteFrom('previews').where('job_id', '=', jobId).execute();
  await trx.deleteFrom('job_assets').where('job_id', '=', jobId).execute();
  await sql`UPDATE steps SET spec = spec || '{"runs": [], "scene": null, "data": {}, "settings": {}}', sweep_frames = NULL
    WHERE job_id = ${jobId}`.execute(trx);
  await sql`UPDATE jobs SET document = '{}', erased_at = now(), erase_error = NULL WHERE id = ${jobId}`.execute(
    trx,
  );
}
