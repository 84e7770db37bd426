import { sql } from 'kysely';
import type { FrameState } from '../../shared/domain/states.ts';
import { frameByKey } from './frame-by-key.ts';
import type { LedgerTransaction } from './job-repository.ts';

const LONGEST_BACK_OFF_SECONDS = 60;
/** After a failure of a store or machine, which uses up no attempt. */
export const HOST_BACK_OFF_SECONDS = 5;

/** The end of a task, as far as the frames are concerned that it did not finish. */
export interface TaskEnding {
  taskKey: string;
  /** Whose failure it is: nobody's, every open frame's, or one frame's. */
  blame: 'none' | 'all' | number;
  /** Before which no frame of it is cut again, where no failure is counted. */
  delaySeconds: number;
  /** The worker may still hold the frames: those who get them next ask before they render. */
  mayBeHeld: boolean;
  attempt: string | null;
  worker: string | null;
  error: string | null;
  maxAttempts: number;
}

export interface MovedFrame {
  step_key: string;
  number: number;
  generation: number;
  from: FrameState;
  to: FrameState;
  error: string | null;
}

/**
 * Gives back the frames that ended tasks still hold, in one statement: `ready` again (after a back-off of 2, 4, 8 … 60 s
 * when they failed), or `failed` when their attempts are used up. Jobs are locked by the caller; counts are its, too.
 */
export async function releaseFrames(
  trx: LedgerTransaction,
  endings: readonly TaskEnding[],
): Promise<MovedFrame[]> {
  if (endings.length === 0) return [];
  const { rows } = await sql<MovedFrame>`
    WITH ending AS (
      SELECT * FROM unnest(
        ${endings.map((ending) => ending.taskKey)}::bigint[], ${endings.map((ending) => ending.blame === 'all')}::bool[],
        ${endings.map((ending) => (typeof ending.blame === 'number' ? ending.blame : null))}::int[],
        ${endings.map((ending) => ending.delaySeconds)}::float8[], ${endings.map((ending) => ending.mayBeHeld)}::bool[],
        ${endings.map((ending) => ending.attempt)}::text[], ${endings.map((ending) => ending.worker)}::text[],
        ${endings.map((ending) => ending.error)}::text[], ${endings.map((ending) => ending.maxAttempts)}::int[]
      ) AS e(task_key, blame_all, blamed, delay, held, attempt, worker, error, max_attempts)
    ),
    open AS MATERIALIZED (
      SELECT f.tid, f.state AS from_state, e.*,
        COALESCE(e.blame_all OR f.number = e.blamed, false) AS failed
      FROM ending e JOIN tasks t ON t.key = e.task_key
      CROSS JOIN LATERAL unnest(t.frames) AS n(number)
      CROSS JOIN LATERAL ${frameByKey(sql`t.step_key`, sql`n.number`)} f
      WHERE f.task_key = t.key AND f.state IN ('queued', 'running')
    )
    UPDATE frames f SET
      state = CASE WHEN o.failed AND f.failures + 1 >= o.max_attempts THEN 'failed' ELSE 'ready' END::frame_state,
      failures = f.failures + o.failed::int,
      retry_at = CASE
        WHEN o.failed THEN now() + make_interval(secs => LEAST(${LONGEST_BACK_OFF_SECONDS}, power(2, f.failures + 1)))
        WHEN o.delay > 0 THEN now() + make_interval(secs => o.delay) END,
      task_key = CASE WHEN o.held THEN f.task_key END,
      attempt = CASE WHEN o.failed THEN o.attempt ELSE f.attempt END,
      worker = CASE WHEN o.failed THEN o.worker END,
      error = CASE WHEN o.failed THEN o.error ELSE f.error END
    FROM open o
    WHERE f.ctid = o.tid
    RETURNING f.step_key, f.number, f.generation, o.from_state AS "from", f.state AS "to", f.error`.execute(
    trx,
  );
  return rows;
}
