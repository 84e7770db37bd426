import { sql } from 'kysely';
import type { FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';

/** Rows that one slice goes over: what others of the same job wait for, about a tenth of a second. */
export const SWEEP_FRAMES = 10_000;
const LOWEST_NUMBER = -2_147_483_648;

/**
 * Goes over the next frames, by number, of steps that are swept: what has not begun is cancelled, or what was cancelled
 * comes back as the step's frames come in now. The jobs are locked by the caller. A pass that reached the last frame ends
 * the sweep, except that of a step in which frames are still under way: what they give back is cancelled, too. Held frames
 * with a verdict wait for a decision about their result: nothing but `cancel` touches them here.
 */
export async function sweepSlice(
  trx: LedgerTransaction,
  jobIds: readonly string[],
  stepKeys: readonly string[],
  frames: number = SWEEP_FRAMES,
): Promise<void> {
  const { rows } = await sql<{
    key: string;
    last: number | null;
    walked: number;
    from: FrameState | null;
    to: FrameState | null;
    moved: number;
  }>`
    WITH swept AS (
      SELECT key, sweep, sweep_after, CASE WHEN sweep = 'cancel' THEN 'cancelled' WHEN sweep = 'hold' THEN 'held' WHEN entry_state = 'waiting' THEN 'waiting' ELSE 'ready' END
        ::frame_state AS becomes
      FROM steps WHERE key = ANY(${[...stepKeys]}::bigint[]) AND sweep IN ('cancel', 'revive', 'hold', 'let-go')
    ),
    walked AS MATERIALIZED (
      SELECT s.key, s.sweep, s.becomes, f.tid, f.number, f.state, f.verdict
      FROM swept s CROSS JOIN LATERAL (
        SELECT ctid AS tid, number, state, verdict FROM frames
        WHERE step_key = s.key AND number > COALESCE(s.sweep_after, ${LOWEST_NUMBER})
        ORDER BY step_key, number LIMIT ${frames}
      ) f
    ),
    moved AS (
      UPDATE frames f SET state = w.becomes, retry_at = NULL, verdict = NULL, findings = NULL,
        generation = f.generation + (f.verdict IS NOT NULL)::int FROM walked w
      WHERE f.ctid = w.tid AND CASE w.sweep WHEN 'cancel' THEN w.state IN ('waiting', 'ready', 'held')
        WHEN 'hold' THEN w.state IN ('waiting', 'ready')
        WHEN 'revive' THEN w.state = 'cancelled' OR (w.state = 'held' AND w.verdict IS NULL)
        ELSE w.state = 'held' AND w.verdict IS NULL END
      RETURNING f.step_key, w.state AS from_state, f.state AS to_state
    )
    SELECT s.key, p.last, COALESCE(p.walked, 0) AS walked, m.from_state AS "from", m.to_state AS "to", COALESCE(m.moved, 0) AS moved
    FROM swept s
    LEFT JOIN (SELECT key, max(number) AS last, count(*)::int AS walked FROM walked GROUP BY key) p ON p.key = s.key
    LEFT JOIN (SELECT step_key, from_state, to_state, count(*)::int AS moved FROM moved GROUP BY step_key, from_state, to_state) m
      ON m.step_key = s.key`.execute(trx);
  const deltas = new CountDeltas();
  const passes = new Map<string, number | null>();
  for (const { key, last, walked, from, to, moved } of rows) {
    if (from !== null && to !== null) deltas.move(key, from, to, moved);
    passes.set(key, walked < frames ? null : last);
  }
  await deltas.write(trx);
  await writePasses(trx, passes);
  await settleJobs(trx, jobIds);
}

/** @param passes by step the number up to which it was swept; null: its last frame was reached. */
async function writePasses(
  trx: LedgerTransaction,
  passes: ReadonlyMap<string, number | null>,
): Promise<void> {
  if (passes.size === 0) return;
  await sql`
    UPDATE steps s SET sweep_after = n.last, sweep = CASE
      WHEN n.last IS NOT NULL THEN s.sweep
      WHEN s.sweep = 'cancel' AND s.queued + s.running + s.waiting + s.ready + s.held > 0 THEN s.sweep
      -- Then what is to be done to chosen frames.
      ELSE s.sweep_frames->0->>'kind' END
    FROM unnest(${[...passes.keys()]}::bigint[], ${[...passes.values()]}::int[]) AS n(key, last)
    WHERE s.key = n.key`.execute(trx);
}
