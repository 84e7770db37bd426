import { sql, type RawBuilder } from 'kysely';
import { CountDeltas } from '../ledger/count-deltas.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/** Frames of a step that were moved, by how many. */
export interface MovedFrames {
  stepKey: string;
  jobId: string;
  frames: number;
}

/** Frames whose result has just been accepted. */
export interface DoneFrame {
  step_key: string;
  number: number;
}

/**
 * Makes ready what waited, frame by frame, for frames that are done now: one statement, however many. Looks only at frames
 * that stand near those. The job's row is locked by the caller.
 */
export async function releaseAfter(
  trx: LedgerTransaction,
  done: readonly DoneFrame[],
): Promise<MovedFrames[]> {
  if (done.length === 0) return [];
  return move(
    trx,
    sql`
      SELECT DISTINCT d.step_key, f.number
      FROM unnest(${done.map((frame) => frame.step_key)}::bigint[], ${done.map((frame) => frame.number)}::int[])
        AS n(step_key, number)
      JOIN step_dependencies d ON d.depends_on = n.step_key AND d.kind = 'frame'
      JOIN steps s ON s.key = d.step_key JOIN steps u ON u.key = d.depends_on AND u.job_id = s.job_id
      CROSS JOIN LATERAL (
        SELECT number FROM frames WHERE step_key = d.step_key AND state = 'waiting'
          AND number BETWEEN n.number - d.frame_offset - d.frame_window AND n.number - d.frame_offset + d.frame_window
        OFFSET 0
      ) f
      WHERE ${isWholeMet()}`,
    { to: 'ready', condition: isFrameMet(), error: null },
  );
}

/** The same for all waiting frames of steps. */
export async function releaseByFrame(
  trx: LedgerTransaction,
  stepKeys: readonly string[],
): Promise<MovedFrames[]> {
  if (stepKeys.length === 0) return [];
  return move(trx, waitingOf(stepKeys), { to: 'ready', condition: isFrameMet(), error: null });
}

/** Skips the waiting frames of steps that wait for a frame of the same job which will never be done. */
export async function skipByFrame(
  trx: LedgerTransaction,
  stepKeys: readonly string[],
): Promise<MovedFrames[]> {
  if (stepKeys.length === 0) return [];
  return move(trx, waitingOf(stepKeys), {
    to: 'skipped',
    // Another job can be retried for itself; until then this one waits.
    condition: sql`EXISTS (${needed(sql`u.state IN ('failed', 'cancelled')`)} AND EXISTS (
      SELECT 1 FROM steps a JOIN steps b ON b.job_id = a.job_id WHERE a.key = w.step_key AND b.key = w.depends_on))`,
    error: 'A frame that it waits for has failed or was cancelled.',
  });
}

const waitingOf = (stepKeys: readonly string[]): RawBuilder<unknown> => sql`
  SELECT k.step_key, f.number FROM unnest(${[...stepKeys]}::bigint[]) AS k(step_key)
  CROSS JOIN LATERAL (SELECT number FROM frames WHERE step_key = k.step_key AND state = 'waiting' OFFSET 0) f`;

/** What the step `s` waits for as a whole is complete. */
const isWholeMet = (): RawBuilder<unknown> => sql`
  NOT EXISTS (SELECT 1 FROM step_dependencies w JOIN steps u2 ON u2.key = w.depends_on
    WHERE w.step_key = s.key AND w.kind = 'all' AND u2.state <> 'completed')
  AND NOT EXISTS (SELECT 1 FROM job_dependencies w JOIN jobs j2 ON j2.id = w.depends_on
    WHERE w.job_id = s.job_id AND j2.state <> 'completed')`;

/** Frames that the candidate `c` waits for, with a condition on them; those that their step does not have do not count. */
const needed = (condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  SELECT 1 FROM step_dependencies w CROSS JOIN LATERAL (
    SELECT 1 FROM frames u WHERE u.step_key = w.depends_on
      AND u.number BETWEEN c.number + w.frame_offset - w.frame_window AND c.number + w.frame_offset + w.frame_window
      AND ${condition} OFFSET 0 LIMIT 1
  ) u WHERE w.step_key = c.step_key AND w.kind = 'frame'`;

/** None of them is open, and none is still to be written by a large step. */
const isFrameMet = (): RawBuilder<unknown> => sql`
  NOT EXISTS (${needed(sql`u.state NOT IN ('done', 'skipped')`)})
  AND NOT EXISTS (SELECT 1 FROM step_dependencies w JOIN steps u ON u.key = w.depends_on
    WHERE w.step_key = c.step_key AND w.kind = 'frame' AND u.frames_expanded < u.frame_total)`;

async function move(
  trx: LedgerTransaction,
  candidates: RawBuilder<unknown>,
  change: { to: 'ready' | 'skipped'; condition: RawBuilder<unknown>; error: string | null },
): Promise<MovedFrames[]> {
  const { rows } = await sql<{ step_key: string; job_id: string; frames: number }>`
    WITH candidate AS MATERIALIZED (${candidates}),
    met AS MATERIALIZED (
      SELECT f.tid FROM candidate c
      CROSS JOIN LATERAL (
        SELECT ctid AS tid FROM frames WHERE step_key = c.step_key AND number = c.number AND state = 'waiting' OFFSET 0
      ) f
      WHERE ${change.condition}
    ),
    moved AS (
      UPDATE frames f SET state = ${change.to}::frame_state, error = ${change.error} FROM met WHERE f.ctid = met.tid
      RETURNING f.step_key
    )
    SELECT m.step_key, s.job_id, count(*)::int AS frames FROM moved m JOIN steps s ON s.key = m.step_key
    GROUP BY m.step_key, s.job_id`.execute(trx);
  const deltas = new CountDeltas();
  for (const row of rows) deltas.move(row.step_key, 'waiting', change.to, row.frames);
  await deltas.write(trx);
  return rows.map((row) => ({ stepKey: row.step_key, jobId: row.job_id, frames: row.frames }));
}
