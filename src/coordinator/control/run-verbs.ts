import { sql } from 'kysely';
import { isChosenSweep, isEndedJob, type FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import { frameByKey } from '../ledger/frame-by-key.ts';
import { unholdFrames } from '../failures/hold-steps.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import {
  did,
  isCancelled,
  notExpanded,
  nothing,
  openFigures,
  refused,
  withoutZeros,
  would,
  type ControlContext,
  type ControlOutcome,
  type ControlledStep,
} from './control-context.ts';
import { entryState } from './entry-state.ts';
import { SWEEP_FRAMES, sweepSlice } from './sweep-frames.ts';
import { queuedTasks, takeBack } from './take-back.ts';

export async function pause(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (isEndedJob(job.state)) return refused(`The job has ended (${job.state}); there is nothing to pause.`);
  if (isCancelled(context)) return refused('The job is being cancelled; there is nothing to pause.');
  if (job.paused) return nothing('The job is paused already.');
  const figures = openFigures(context.steps);
  if (control.dryRun) return would(context, figures);
  await trx.updateTable('jobs').set({ paused: true }).where('id', '=', job.id).execute();
  await takeBack(context, await queuedTasks(context), 'The job was paused.');
  await settleJobs(trx, [job.id]);
  return did(context, figures, { workers: 'release' });
}

/** Goes on with what was paused, cancelled or held; done frames stay. */
export async function resume(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, steps, control } = context;
  const cancelled = steps.filter(wasCancelled);
  const held = steps.filter((step) => step.hold_reason !== null && step.sweep !== 'cancel');
  if (!job.paused && cancelled.length === 0 && held.length === 0) {
    if (isEndedJob(job.state))
      return refused(`The job has ended (${job.state}); "retry" renders failed or chosen frames again.`);
    if (steps.some((step) => step.held > 0))
      return refused(
        'Its held frames wait for a decision about their results: "accept", "retry" or "skip" them.',
      );
    return nothing('The job is not paused.');
  }
  const figures = resumeFigures(steps);
  if (control.dryRun) return would(context, figures);
  await trx.updateTable('jobs').set({ paused: false }).where('id', '=', job.id).execute();
  if (cancelled.length > 0) await revive(context, cancelled);
  if (steps.some((step) => step.hold_reason !== null))
    await unholdFrames(trx, job.id, undefined, control.trustScripts);
  await settleJobs(trx, [job.id]);
  return did(context, figures);
}

/**
 * Ends all that is open. With `drain`, what is being rendered is finished and kept. Frames that have not begun are
 * cancelled here when they are few, and by the frame sweeper when they are many; they count as cancelled at once.
 */
export async function cancel(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, steps, control } = context;
  if (isEndedJob(job.state))
    return job.state === 'cancelled'
      ? nothing('The job is cancelled already.')
      : refused(`The job has ended (${job.state}); there is nothing to cancel.`);
  const drain = control.drain === true;
  // What was to be finished first can still be stopped.
  if (isCancelled(context) && (drain || steps.every((step) => step.running + step.queued === 0)))
    return nothing('The job is being cancelled already; frames under way are finished first.');
  const figures = openFigures(steps);
  if (control.dryRun) return would(context, figures);
  // Nothing more is cut while the last frames end.
  await trx.updateTable('jobs').set({ paused: true }).where('id', '=', job.id).execute();
  const removed = drain ? await takeBack(context, await queuedTasks(context), 'The job was cancelled.') : [];
  if (!drain) await cancelTasks(context);
  await sql`UPDATE steps s SET sweep = CASE WHEN o.open THEN 'cancel' END, sweep_after = NULL, sweep_frames = NULL,
      entry_state = CASE WHEN frames_expanded < frame_total THEN 'cancelled'::frame_state ELSE entry_state END
    FROM (
      SELECT key, waiting + ready + held + queued + running > 0 OR frames_expanded < frame_total AS open
      FROM steps WHERE job_id = ${job.id}
    ) o WHERE s.key = o.key AND (o.open OR s.sweep_frames IS NOT NULL)`.execute(trx);
  await sweepIfSmall(context, steps);
  await settleJobs(trx, [job.id]);
  // A retry that had not come to its first frame ends with nothing to cancel: the job is as it was.
  await sql`UPDATE jobs SET paused = false WHERE id = ${job.id} AND state IN ('completed', 'failed')`.execute(
    trx,
  );
  return did(context, figures, drain ? { workers: 'release', removed } : { workers: 'stop' });
}

/** Frames of a cancelled job that come back, those that wait, and those that are held. */
function resumeFigures(steps: readonly ControlledStep[]): ReturnType<typeof openFigures> {
  const sum = (of: (step: ControlledStep) => number): number =>
    steps.reduce((total, step) => total + of(step), 0);
  const back = (step: ControlledStep): number =>
    step.cancelled +
    (step.sweep === 'cancel' ? step.waiting + step.ready + step.held : 0) +
    (step.entry_state === 'cancelled' ? notExpanded(step) : 0);
  const held = (step: ControlledStep): number => (step.hold_reason !== null ? step.held : 0);
  const open = (step: ControlledStep): number =>
    step.waiting + step.ready + notExpanded(step) + step.cancelled + step.held - back(step) - held(step);
  return withoutZeros({ notBegun: sum(open), cancelled: sum(back), held: sum(held) });
}

const wasCancelled = (step: ControlledStep): boolean =>
  step.sweep === 'cancel' ||
  step.entry_state === 'cancelled' ||
  (step.cancelled > 0 && step.sweep !== 'revive' && !isChosenSweep(step.sweep));

/** Frames come back as `waiting` where their step depends on others; settling releases them when those are complete. */
async function revive(context: ControlContext, steps: readonly ControlledStep[]): Promise<void> {
  const keys = steps.map((step) => step.key);
  await sql`UPDATE steps s SET sweep = CASE WHEN s.cancelled > 0 THEN 'revive' END, sweep_after = NULL, entry_state = ${entryState()}
    WHERE s.key = ANY(${keys}::bigint[])`.execute(context.trx);
  await sweepIfSmall(context, steps);
}

/** A small job's frames are swept at once; others by the frame sweeper, which goes on slice by slice. */
async function sweepIfSmall({ trx, job }: ControlContext, steps: readonly ControlledStep[]): Promise<void> {
  if (steps.reduce((sum, step) => sum + step.frames_expanded, 0) > SWEEP_FRAMES) return;
  await sweepSlice(
    trx,
    [job.id],
    steps.map((step) => step.key),
    SWEEP_FRAMES + 1,
  );
}

/** Ends the job's tasks and the frames that they hold. */
async function cancelTasks({ trx, job }: ControlContext): Promise<void> {
  const { rows } = await sql<{ step_key: string; from: FrameState; frames: number }>`
    WITH ended AS (
      UPDATE tasks SET state = 'ended', outcome = 'cancelled', ended_at = now()
      WHERE job_id = ${job.id} AND state IN ('queued', 'running') RETURNING key, step_key, frames
    ),
    held AS MATERIALIZED (
      SELECT f.tid, f.state AS from_state FROM ended t CROSS JOIN LATERAL unnest(t.frames) AS n(number)
      CROSS JOIN LATERAL ${frameByKey(sql`t.step_key`, sql`n.number`)} f
      WHERE f.task_key = t.key AND f.state IN ('queued', 'running')
    ),
    moved AS (
      UPDATE frames f SET state = 'cancelled', retry_at = NULL FROM held h WHERE f.ctid = h.tid RETURNING f.step_key, h.from_state
    )
    SELECT step_key, from_state AS "from", count(*)::int AS frames FROM moved GROUP BY step_key, from_state`.execute(
    trx,
  );
  const deltas = new CountDeltas();
  for (const row of rows) deltas.move(row.step_key, row.from, 'cancelled', row.frames);
  await deltas.write(trx);
}
