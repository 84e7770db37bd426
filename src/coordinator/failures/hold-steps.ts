import { sql } from 'kysely';
import type { FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import { endTasks, type EndedTask } from '../ledger/end-tasks.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import type { StepInfos } from '../ledger/step-info.ts';

export interface HeldStep {
  jobId: string;
  reason: string;
  /** Tasks that waited: their messages are deleted. */
  removed: EndedTask[];
  /** Attempts that finish the frame under way and give the rest back. */
  running: { worker: string; attempt: string }[];
}

/**
 * Holds all of a step that has not begun: a person decides. Frames under way are finished first; what their attempts give
 * back is held, too. The job is locked by the caller.
 * @param reason a sentence for people.
 * @returns undefined when nothing of it is open any more.
 */
export async function holdStep(
  trx: LedgerTransaction,
  steps: StepInfos,
  step: { key: string; jobId: string },
  reason: string,
): Promise<HeldStep | undefined> {
  const { numAffectedRows } = await sql`UPDATE steps SET hold_reason = ${reason},
      entry_state = CASE WHEN frames_expanded < frame_total THEN 'held'::frame_state ELSE entry_state END
    WHERE key = ${step.key} AND (waiting + ready + queued + running > 0 OR frames_expanded < frame_total)`.execute(
    trx,
  );
  if (numAffectedRows === 0n) return undefined;
  await trx.updateTable('jobs').set({ error: reason }).where('id', '=', step.jobId).execute();
  const tasks = await trx
    .selectFrom('tasks')
    .select(['key', 'attempt', 'state', 'worker'])
    .where('step_key', '=', step.key)
    .where('state', 'in', ['queued', 'running'])
    .execute();
  const queued = tasks.filter((task) => task.state === 'queued');
  const { ended } = await endTasks(trx, steps, queued, {
    outcome: 'released',
    blame: 'none',
    delaySeconds: 0,
    mayBeHeld: true,
    error: 'The step is held.',
  });
  await moveAll(trx, step.key, 'ready');
  await moveAll(trx, step.key, 'waiting');
  await settleJobs(trx, [step.jobId]);
  const running = tasks.flatMap(({ state, worker, attempt }) =>
    state === 'running' && worker !== null && attempt !== null ? [{ worker, attempt }] : [],
  );
  return { jobId: step.jobId, reason, removed: ended, running };
}

/** One state at a time: each has an index of its own. */
async function moveAll(trx: LedgerTransaction, stepKey: string, from: 'ready' | 'waiting'): Promise<void> {
  const { numUpdatedRows } = await trx
    .updateTable('frames')
    .set({ state: 'held' })
    .where('step_key', '=', stepKey)
    .where('state', '=', sql<FrameState>`${sql.lit(from)}`)
    .executeTakeFirst();
  const deltas = new CountDeltas();
  deltas.move(stepKey, from, 'held', Number(numUpdatedRows));
  await deltas.write(trx);
}

/**
 * Lets a job's held steps go on; for the same failures they are not held again. The job is locked by the caller, who
 * settles it afterwards.
 * @param stepKeys only these of its steps.
 * @returns how many frames may be rendered now.
 */
export async function unholdFrames(
  trx: LedgerTransaction,
  jobId: string,
  stepKeys?: readonly string[],
): Promise<number> {
  const { rows } = await sql<{ frames: number }>`
    WITH held AS MATERIALIZED (
      SELECT s.key, s.hold_reason, CASE WHEN EXISTS (SELECT 1 FROM step_dependencies d WHERE d.step_key = s.key AND d.kind = 'frame')
        THEN 'waiting' ELSE 'ready' END::frame_state AS entry
      FROM steps s WHERE s.job_id = ${jobId} AND s.hold_reason IS NOT NULL
        AND (${stepKeys === undefined} OR s.key = ANY(${[...(stepKeys ?? [])]}::bigint[]))
    ),
    moved AS (
      UPDATE frames f SET state = h.entry, retry_at = NULL FROM held h
      WHERE f.step_key = h.key AND f.state = 'held' RETURNING f.step_key
    ),
    counted AS (SELECT step_key, count(*)::int AS frames FROM moved GROUP BY step_key),
    forgotten AS (DELETE FROM step_failures x USING held h WHERE x.step_key = h.key),
    spoken AS (UPDATE jobs j SET error = NULL FROM held h WHERE j.id = ${jobId} AND j.error = h.hold_reason)
    UPDATE steps s SET hold_reason = NULL, hold_allowed = false,
      held = s.held - COALESCE(c.frames, 0),
      ready = s.ready + CASE WHEN h.entry = 'ready' THEN COALESCE(c.frames, 0) ELSE 0 END,
      waiting = s.waiting + CASE WHEN h.entry = 'waiting' THEN COALESCE(c.frames, 0) ELSE 0 END,
      entry_state = CASE WHEN s.entry_state = 'held' THEN h.entry ELSE s.entry_state END
    FROM held h LEFT JOIN counted c ON c.step_key = h.key WHERE s.key = h.key
    RETURNING COALESCE(c.frames, 0) AS frames`.execute(trx);
  return rows.reduce((sum, row) => sum + row.frames, 0);
}
