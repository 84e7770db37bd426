import { sql } from 'kysely';
import type { FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { FrameRun } from '../../shared/domain/frame-ranges.ts';

/** States that a cancelled frame can have been in. */
const OPEN_STATES = [
  'waiting',
  'ready',
  'queued',
  'running',
  'held',
] as const satisfies readonly FrameState[];

/** Ends all that is open of a job: frames, and the tasks that hold them. @returns how many frames it was. */
export async function cancelFrames(trx: LedgerTransaction, jobId: string): Promise<number> {
  await sql`UPDATE frames f SET state = 'cancelled', retry_at = NULL FROM steps s
    WHERE s.job_id = ${jobId} AND f.step_key = s.key AND f.state = ANY(${[...OPEN_STATES]}::frame_state[])`.execute(
    trx,
  );
  await sql`UPDATE tasks SET state = 'ended', outcome = 'cancelled', ended_at = now()
    WHERE job_id = ${jobId} AND state IN ('queued', 'running')`.execute(trx);
  const open = sql.join(
    OPEN_STATES.map((state) => sql.ref(state)),
    sql` + `,
  );
  // What is not expanded yet comes in as cancelled; every frame that was open is cancelled, so counts need no counting.
  const { rows } = await sql<{ frames: number }>`
    WITH before AS (
      SELECT key, ${open} + frame_total - frames_expanded AS frames, ${open} AS counted FROM steps WHERE job_id = ${jobId}
    )
    UPDATE steps s SET cancelled = s.cancelled + b.counted,
      ${sql.join(OPEN_STATES.map((state) => sql`${sql.ref(state)} = 0`))},
      entry_state = CASE WHEN s.frames_expanded < s.frame_total THEN 'cancelled'::frame_state ELSE s.entry_state END
    FROM before b WHERE s.key = b.key RETURNING b.frames`.execute(trx);
  return rows.reduce((sum, row) => sum + row.frames, 0);
}

/** Brings a job's cancelled frames back; what depends on another step waits for it again. @returns how many it was. */
export async function reviveFrames(trx: LedgerTransaction, jobId: string): Promise<number> {
  await sql`UPDATE frames f SET state = ${entryState()} FROM steps s
    WHERE s.job_id = ${jobId} AND f.step_key = s.key AND f.state = 'cancelled'`.execute(trx);
  const { rows } = await sql<{ frames: number }>`
    WITH before AS (
      SELECT s.key, s.cancelled, s.cancelled + CASE WHEN s.entry_state = 'cancelled' THEN s.frame_total - s.frames_expanded ELSE 0 END
        AS frames, ${entryState()} AS entry
      FROM steps s WHERE s.job_id = ${jobId}
    )
    UPDATE steps s SET cancelled = 0,
      ready = s.ready + CASE WHEN b.entry = 'ready' THEN b.cancelled ELSE 0 END,
      waiting = s.waiting + CASE WHEN b.entry = 'waiting' THEN b.cancelled ELSE 0 END,
      entry_state = CASE WHEN s.entry_state = 'cancelled' THEN b.entry ELSE s.entry_state END
    FROM before b WHERE s.key = b.key RETURNING b.frames`.execute(trx);
  return rows.reduce((sum, row) => sum + row.frames, 0);
}

/** Frames come back as `waiting` where their step depends on others; settling releases them when those are complete. */
const entryState = () => sql`CASE WHEN EXISTS (SELECT 1 FROM step_dependencies d WHERE d.step_key = s.key)
  THEN 'waiting' ELSE 'ready' END::frame_state`;

export interface RetrySelection {
  /** Only these frames, whatever their end was; otherwise those that failed and those skipped because of them. */
  runs: readonly FrameRun[] | undefined;
  step: string | undefined;
}

/** How many frames are asked for again, and how many results of other steps because they were made from those. */
export interface Retried {
  frames: number;
  madeFromThem: number;
}

/**
 * Asks for ended frames again: generation + 1, no failures, no result. Objects of earlier results stay in the store.
 * Steps that take the chosen frames as inputs, such as a video of them, are asked for again with them.
 */
export async function retryFrames(
  trx: LedgerTransaction,
  jobId: string,
  selection: RetrySelection,
): Promise<Retried> {
  const states: FrameState[] =
    selection.runs === undefined ? ['failed', 'skipped'] : ['done', 'failed', 'skipped', 'cancelled', 'held'];
  const { rows } = await sql<{
    step_key: string;
    from: FrameState;
    to: FrameState;
    made: boolean;
    frames: number;
    seconds: number;
  }>`
    WITH RECURSIVE chosen AS (
      SELECT f.ctid AS tid, f.step_key, f.number, f.state, COALESCE(f.seconds, 0) AS seconds, ${entryState()} AS entry
      FROM steps s JOIN frames f ON f.step_key = s.key
      WHERE s.job_id = ${jobId} AND f.state = ANY(${states}::frame_state[])
        AND ${stepCondition(selection)} AND ${runsCondition(selection.runs)}
    ),
    makers AS (
      SELECT s.key, s.name FROM steps s WHERE s.key IN (SELECT step_key FROM chosen)
      UNION SELECT s.key, s.name FROM steps s JOIN makers m ON s.job_id = ${jobId} AND EXISTS (
        SELECT 1 FROM jsonb_each(s.spec->'inputs') AS input WHERE input.value->>'step' = m.name)
    ),
    again AS MATERIALIZED (
      SELECT chosen.*, false AS made FROM chosen
      UNION ALL
      SELECT f.ctid, f.step_key, f.number, f.state, COALESCE(f.seconds, 0), ${entryState()}, true
      FROM steps s JOIN makers m ON m.key = s.key JOIN frames f ON f.step_key = s.key
      WHERE f.state IN ('done', 'failed', 'skipped') AND s.key NOT IN (SELECT step_key FROM chosen)
    ),
    outputs AS (
      DELETE FROM frame_outputs o USING again c WHERE o.step_key = c.step_key AND o.number = c.number
    ),
    moved AS (
      UPDATE frames f SET state = c.entry, generation = f.generation + 1, failures = 0, retry_at = NULL,
        task_key = NULL, attempt = NULL, worker = NULL, seconds = NULL, peak_memory_bytes = NULL, bytes = NULL,
        sha256 = NULL, object_key = NULL, warnings = NULL, error = NULL
      FROM again c WHERE f.ctid = c.tid
      RETURNING f.step_key, c.state AS from_state, c.entry, c.made, c.seconds
    )
    SELECT step_key, from_state AS "from", entry AS "to", made, count(*)::int AS frames,
      COALESCE(sum(seconds) FILTER (WHERE from_state = 'done'), 0)::float8 AS seconds
    FROM moved GROUP BY step_key, from_state, entry, made`.execute(trx);
  const deltas = new CountDeltas();
  for (const row of rows) {
    deltas.move(row.step_key, row.from, row.to, row.frames);
    deltas.addSeconds(row.step_key, -row.seconds);
  }
  await deltas.write(trx);
  if (selection.runs === undefined)
    await sql`UPDATE steps s SET entry_state = 'waiting', entry_error = NULL
      WHERE job_id = ${jobId} AND entry_state = 'skipped' AND frames_expanded < frame_total`.execute(trx);
  const sumOf = (made: boolean): number =>
    rows.reduce((sum, row) => sum + (row.made === made ? row.frames : 0), 0);
  return { frames: sumOf(false), madeFromThem: sumOf(true) };
}

/** A step that is named, and for failed frames also the steps that were skipped because of it. */
function stepCondition({ step, runs }: RetrySelection) {
  if (step === undefined) return sql`true`;
  if (runs !== undefined) return sql`s.name = ${step}`;
  return sql`(s.name = ${step} OR (f.state = 'skipped' AND s.key IN (
    WITH RECURSIVE after AS (
      SELECT d.step_key FROM step_dependencies d JOIN steps first ON first.key = d.depends_on
      WHERE first.job_id = s.job_id AND first.name = ${step}
      UNION SELECT d.step_key FROM step_dependencies d JOIN after a ON a.step_key = d.depends_on
    ) SELECT step_key FROM after)))`;
}

function runsCondition(runs: readonly FrameRun[] | undefined) {
  if (runs === undefined) return sql`true`;
  return sql`EXISTS (
    SELECT 1 FROM unnest(
      ${runs.map((run) => run.start)}::int[], ${runs.map((run) => run.step)}::int[], ${runs.map((run) => run.count)}::int[]
    ) AS r(start, step, count)
    WHERE (f.number - r.start) % r.step = 0 AND (f.number - r.start) / r.step BETWEEN 0 AND r.count - 1)`;
}
