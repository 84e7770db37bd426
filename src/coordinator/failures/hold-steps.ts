import { sql } from 'kysely';
import type { ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import { SWEEP_FRAMES, sweepSlice } from '../control/sweep-frames.ts';
import { endTasks, type EndedTask } from '../ledger/end-tasks.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import type { StepInfos } from '../ledger/step-info.ts';

/** Stands among a step's failures for the question whether its scene's scripts may run. */
export const SCRIPTS = 'untrusted-scripts';

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
 * @returns undefined when nothing of it is open any more, or its frames are just being skipped or wait for others again:
 * nothing of it is given out then, and the next failure asks again.
 */
export async function holdStep(
  trx: LedgerTransaction,
  steps: StepInfos,
  step: { key: string; jobId: string },
  reason: string,
): Promise<HeldStep | undefined> {
  const { numAffectedRows } = await sql`UPDATE steps SET hold_reason = ${reason},
      entry_state = CASE WHEN frames_expanded < frame_total THEN 'held'::frame_state ELSE entry_state END
    WHERE key = ${step.key} AND (waiting + ready + queued + running > 0 OR frames_expanded < frame_total)
      AND (sweep IS NULL OR sweep NOT IN ('remake', 'skip', 'wait'))`.execute(trx);
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
  await sweep(trx, [{ key: step.key, jobId: step.jobId }], 'hold');
  const running = tasks.flatMap(({ state, worker, attempt }) =>
    state === 'running' && worker !== null && attempt !== null ? [{ worker, attempt }] : [],
  );
  return { jobId: step.jobId, reason, removed: ended, running };
}

const HELD: ChosenFrames = {
  kind: 'retry',
  states: ['held'],
  runs: null,
  forOthers: false,
  letGo: true,
  error: null,
};

/** A small step's frames are moved at once, those of a large one by the frame sweeper; they count as moved already. */
async function sweep(
  trx: LedgerTransaction,
  steps: readonly { key: string; jobId: string }[],
  kind: 'hold' | 'let-go',
): Promise<void> {
  const { rows } = await sql<{ key: string; small: boolean }>`
    UPDATE steps SET
      sweep = CASE WHEN sweep = 'revive' OR (sweep_frames IS NOT NULL AND ${kind === 'let-go'}) THEN sweep ELSE ${kind} END,
      sweep_after = CASE WHEN sweep_frames IS NOT NULL AND ${kind === 'let-go'} THEN sweep_after END,
      -- What is being done to chosen frames goes on before the held ones come back; of a step that is held it ends.
      sweep_frames = CASE WHEN ${kind === 'let-go'} THEN sweep_frames || ${JSON.stringify([HELD])}::jsonb END
    WHERE key = ANY(${steps.map((step) => step.key)}::bigint[])
    RETURNING key, frames_expanded <= ${SWEEP_FRAMES} AS small`.execute(trx);
  const small = rows.filter((row) => row.small).map((row) => row.key);
  for (const jobId of new Set(steps.map((step) => step.jobId))) {
    if (small.length > 0) await sweepSlice(trx, [jobId], small, SWEEP_FRAMES + 1);
    else await settleJobs(trx, [jobId]);
  }
}

/**
 * Lets a job's held steps go on; for the same failures they are not held again. The job is locked by the caller, who
 * settles it afterwards and wakes the frame sweeper.
 * @param stepKeys only these of its steps.
 * @param trustScripts whether scripts may run in the scenes of those that were held with that question.
 */
export async function unholdFrames(
  trx: LedgerTransaction,
  jobId: string,
  stepKeys?: readonly string[],
  trustScripts = false,
): Promise<void> {
  const { rows } = await sql<{ key: string }>`
    WITH held AS MATERIALIZED (
      SELECT s.key, s.hold_reason,
        EXISTS (SELECT 1 FROM step_failures f WHERE f.step_key = s.key AND f.fingerprint = ${SCRIPTS}) AS asked, CASE
          WHEN EXISTS (SELECT 1 FROM step_dependencies d WHERE d.step_key = s.key AND d.kind = 'frame') THEN 'waiting'
          WHEN s.entry_state = 'held' THEN 'ready' ELSE s.entry_state END::frame_state AS entry
      FROM steps s WHERE s.job_id = ${jobId} AND s.hold_reason IS NOT NULL
        AND (${stepKeys === undefined} OR s.key = ANY(${[...(stepKeys ?? [])]}::bigint[]))
    ),
    forgotten AS (DELETE FROM step_failures x USING held h WHERE x.step_key = h.key),
    spoken AS (UPDATE jobs j SET error = NULL FROM held h WHERE j.id = ${jobId} AND j.error = h.hold_reason)
    UPDATE steps s SET hold_reason = NULL, hold_allowed = s.hold_allowed AND h.asked, entry_state = h.entry,
      trust_scripts = CASE WHEN h.asked THEN ${trustScripts} ELSE s.trust_scripts END
    FROM held h WHERE s.key = h.key RETURNING s.key`.execute(trx);
  if (rows.length > 0)
    await sweep(
      trx,
      rows.map(({ key }) => ({ key, jobId })),
      'let-go',
    );
}
