import { sql } from 'kysely';
import type { FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import { frameByKey } from '../ledger/frame-by-key.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { MAX_LOSSES, type MovedFrame } from '../ledger/release-frames.ts';
import { jobsToSettle, settleJobs } from '../ledger/settle-jobs.ts';

/** Notes with lost attempts which frame was charged with it, so that it can be taken back. */
export async function noteLosses(
  trx: LedgerTransaction,
  tasks: readonly { key: string; attempt: string | null }[],
  moved: readonly MovedFrame[],
): Promise<void> {
  const attempts = new Map(tasks.map((task) => [task.key, task.attempt]));
  const lost = moved.filter((frame) => frame.blamed && frame.charge === 'loss');
  if (lost.length === 0) return;
  await sql`UPDATE attempts a SET frame = n.frame
    FROM unnest(${lost.map((f) => attempts.get(f.task_key) ?? null)}::text[], ${lost.map((f) => f.number)}::int[]) AS n(id, frame)
    WHERE a.id = n.id`.execute(trx);
}

/**
 * Takes back what frames were charged with for attempts whose worker had not died: it was only cut off. A frame that was
 * given up for it is ready again. The jobs are locked by the caller.
 * @returns ids of jobs in which frames changed.
 */
export async function withdrawLosses(
  trx: LedgerTransaction,
  attempts: readonly string[],
): Promise<Set<string>> {
  if (attempts.length === 0) return new Set();
  const { rows } = await sql<{ step_key: string; job_id: string; from: FrameState; to: FrameState }>`
    WITH alive AS MATERIALIZED (
      SELECT a.id, a.job_id, a.worker, a.frame, t.step_key FROM attempts a JOIN tasks t ON t.key = a.task_key
      WHERE a.id = ANY(${[...attempts]}) AND a.outcome = 'lost' AND a.frame IS NOT NULL
    ),
    cleared AS (UPDATE attempts a SET frame = NULL FROM alive l WHERE a.id = l.id),
    forgotten AS (
      DELETE FROM worker_failures w USING alive l WHERE w.worker = l.worker AND w.step_key = l.step_key AND w.number = l.frame
    ),
    charged AS MATERIALIZED (
      SELECT f.tid, f.state, l.job_id, l.losses FROM (
        SELECT step_key, job_id, frame, count(*)::int AS losses FROM alive GROUP BY step_key, job_id, frame
      ) l CROSS JOIN LATERAL ${frameByKey(sql`l.step_key`, sql`l.frame`)} f
    )
    UPDATE frames f SET losses = GREATEST(0, f.losses - c.losses),
      state = CASE WHEN c.state = 'failed' AND f.losses >= ${MAX_LOSSES} THEN 'ready' ELSE f.state END,
      error = CASE WHEN c.state = 'failed' AND f.losses >= ${MAX_LOSSES} THEN NULL ELSE f.error END
    FROM charged c WHERE f.ctid = c.tid
    RETURNING f.step_key, c.job_id, c.state AS "from", f.state AS "to"`.execute(trx);
  const deltas = new CountDeltas();
  for (const row of rows) deltas.move(row.step_key, row.from, row.to);
  await deltas.write(trx);
  const toSettle = await jobsToSettle(trx, deltas.stepKeys());
  if (toSettle.length > 0) await settleJobs(trx, toSettle);
  return new Set(rows.map((row) => row.job_id));
}
