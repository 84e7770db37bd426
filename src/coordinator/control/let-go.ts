import { sql } from 'kysely';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/** Lets steps go on that are held because all their frames failed alike; they are not held for that again. */
export async function letGo(trx: LedgerTransaction, jobId: string): Promise<void> {
  await sql`
    WITH held AS (SELECT key FROM steps WHERE job_id = ${jobId} AND hold_reason IS NOT NULL),
    moved AS (
      UPDATE frames f SET state = 'ready', retry_at = NULL FROM held h
      WHERE f.step_key = h.key AND f.state = 'held' RETURNING f.step_key
    ),
    counted AS (SELECT step_key, count(*)::int AS frames FROM moved GROUP BY step_key)
    UPDATE steps s SET hold_reason = NULL, hold_allowed = false,
      held = s.held - COALESCE(c.frames, 0), ready = s.ready + COALESCE(c.frames, 0),
      entry_state = CASE WHEN s.entry_state = 'held' THEN 'ready'::frame_state ELSE s.entry_state END
    FROM held h LEFT JOIN counted c ON c.step_key = h.key WHERE s.key = h.key`.execute(trx);
  await sql`UPDATE jobs SET error = NULL WHERE id = ${jobId}`.execute(trx);
}
