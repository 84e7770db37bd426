import { sql } from 'kysely';
import { controlSentence } from '../../shared/contracts/control-sentence.ts';
import type { JobControl } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { SWEEP_FRAMES, sweepSlice } from '../control/sweep-frames.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

interface Untouched {
  id: string;
  keys: string[];
  frames: number;
}

/**
 * Cancels those of some jobs of which nothing has begun, together in one transaction, with the record in each one's history
 * that a message of its own would leave. No worker has to be told of them. Others stay as they are.
 * @returns ids of the jobs that were cancelled
 */
export async function cancelUntouched(
  ledger: Ledger,
  jobIds: readonly string[],
  control: JobControl,
): Promise<string[]> {
  return ledger.transaction().execute(async (trx) => {
    // Looked at before the lock as well: jobs that are being rendered are not held up.
    const few = await untouchedAmong(trx, jobIds, control.requestId);
    await lockJobs(
      trx,
      few.map(({ id }) => id),
    );
    const jobs = await untouchedAmong(
      trx,
      few.map(({ id }) => id),
      control.requestId,
    );
    if (jobs.length === 0) return [];
    const ids = jobs.map(({ id }) => id);
    const keys = jobs.flatMap((job) => job.keys);
    await sql`UPDATE jobs SET paused = true WHERE id = ANY(${ids})`.execute(trx);
    await sql`UPDATE steps SET sweep = 'cancel', sweep_after = NULL WHERE key = ANY(${keys}::bigint[])`.execute(
      trx,
    );
    await sweepSlice(trx, ids, keys, SWEEP_FRAMES + 1);
    await record(trx, jobs, control);
    return ids;
  });
}

/** Of the first ones, so many as have the frames of one slice together. */
async function untouchedAmong(
  trx: LedgerTransaction,
  jobIds: readonly string[],
  requestId: string,
): Promise<Untouched[]> {
  const { rows } = await sql<Untouched>`
    SELECT id, keys, frames FROM (
      SELECT j.id, s.keys, s.frames, sum(s.frames) OVER (ORDER BY length(j.id), j.id) AS together
      FROM jobs j CROSS JOIN LATERAL (
        SELECT array_agg(key::text) AS keys, sum(frame_total)::int AS frames, bool_and(ready + waiting = frame_total
          AND frames_expanded = frame_total AND sweep IS NULL AND sweep_frames IS NULL) AS untouched
        FROM steps WHERE job_id = j.id
      ) s
      WHERE j.id = ANY(${[...jobIds]}) AND s.untouched AND j.state IN ('queued', 'running', 'paused') AND j.binned_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM job_events e WHERE e.job_id = j.id AND e.request_id = ${requestId})
    ) open WHERE together <= ${SWEEP_FRAMES}`.execute(trx);
  return rows;
}

async function record(
  trx: LedgerTransaction,
  jobs: readonly Untouched[],
  control: JobControl,
): Promise<void> {
  const told = jobs.map(({ id, frames }) => {
    const figures = { notBegun: frames };
    return {
      id,
      message: controlSentence('did', control, figures),
      outcome: { figures, changed: true },
    };
  });
  await sql`
    INSERT INTO job_events (job_id, request_id, kind, actor, message, ok, outcome)
    SELECT n.id, ${control.requestId}, 'cancel', ${control.by ?? 'unknown'}, n.message, true, n.outcome
    FROM jsonb_to_recordset(${JSON.stringify(told)}::jsonb) AS n(id text, message text, outcome jsonb)`.execute(
    trx,
  );
}
