import { sql, type RawBuilder } from 'kysely';
import { settleJobs } from '../ledger/settle-jobs.ts';
import {
  countChosen,
  inRuns,
  selectionOf,
  skippedForOthers,
  SKIPPED_BY,
  waitsFor,
  type Selection,
} from './chosen-frames.ts';
import {
  did,
  isCancelled,
  notExpanded,
  nothing,
  refused,
  withoutZeros,
  would,
  type ControlContext,
  type ControlOutcome,
  type DroppedFrames,
} from './control-context.ts';
import { writeMoved, type MovedRow } from './dependents.ts';
import { expandAgain, moveAgain } from './retry.ts';
import { takeBack } from './take-back.ts';

/**
 * Leaves frames out for good: those that are named and have not ended, or those that failed. What waits for them goes on
 * as if they were done. Frames that are being rendered are finished. "retry" with their numbers brings them back.
 */
export async function skip(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (isCancelled(context)) return refused('The job is cancelled; "resume" it first.');
  const selection = selectionOf(context);
  if ('refusal' in selection) return selection.refusal;
  if (selection.runs !== undefined && selection.steps.some((step) => notExpanded(step) > 0))
    return refused('The frames of this large job are still being written; skip them in some seconds.');
  const keys = selection.steps.map((step) => step.key);
  const chosen = await countChosen(context, keys, named(selection));
  const frames = (...states: string[]): number =>
    chosen.reduce((sum, row) => sum + (states.includes(row.state) ? row.frames : 0), 0);
  const figures = withoutZeros({
    queued: frames('queued'),
    failed: frames('failed'),
    held: frames('held'),
    notBegun: frames('waiting', 'ready'),
    left: frames('running'),
  });
  if (frames('queued', 'failed', 'held', 'waiting', 'ready') === 0)
    return nothingToSkip(selection, frames('running'), frames('skipped'));
  if (control.dryRun) return would(context, figures);
  const { tasks, drops } = await holdersOf(context, keys, selection);
  const removed = await takeBack(context, tasks, 'Frames of it were skipped.');
  await skipFrames(context, keys, selection);
  if (frames('failed') > 0) await bringBack(context, keys);
  await settleJobs(trx, [job.id]);
  return did(context, figures, { removed, drops });
}

function nothingToSkip({ runs }: Selection, running: number, skipped: number): ControlOutcome {
  if (runs === undefined) return refused('No frame has failed. Name frames to skip others.');
  if (running > 0)
    return refused('These frames are being rendered; they can be skipped once they have failed.');
  if (skipped > 0) return nothing('These frames are skipped already.');
  return refused('None of these frames is open or has failed, so there is nothing to skip.');
}

const named = ({ runs }: Selection): RawBuilder<boolean> =>
  runs === undefined ? sql<boolean>`f.state = 'failed'` : inRuns(runs);

/** Tasks that hold frames to be skipped: those that have not begun are taken back, the others leave the frames out. */
async function holdersOf(
  { trx }: ControlContext,
  stepKeys: readonly string[],
  selection: Selection,
): Promise<{ tasks: { key: string; attempt: string | null }[]; drops: DroppedFrames[] }> {
  if (selection.runs === undefined) return { tasks: [], drops: [] };
  const { rows } = await sql<{
    key: string;
    state: 'queued' | 'running';
    attempt: string | null;
    worker: string | null;
    frames: number[];
  }>`
    SELECT t.key, t.state, t.attempt, t.worker, array_agg(f.number) AS frames
    FROM frames f JOIN tasks t ON t.key = f.task_key AND t.state IN ('queued', 'running')
    WHERE f.step_key = ANY(${[...stepKeys]}::bigint[]) AND f.state = 'queued' AND ${inRuns(selection.runs)}
    GROUP BY t.key`.execute(trx);
  return {
    tasks: rows.filter((row) => row.state === 'queued'),
    drops: rows.flatMap(({ state, worker, attempt, frames }) =>
      state === 'running' && worker !== null && attempt !== null ? [{ worker, attempt, frames }] : [],
    ),
  };
}

async function skipFrames(
  context: ControlContext,
  stepKeys: readonly string[],
  selection: Selection,
): Promise<void> {
  const why = `${SKIPPED_BY}${context.control.by ?? 'somebody'}.`;
  const { rows } = await sql<MovedRow>`
    WITH chosen AS MATERIALIZED (
      SELECT f.ctid AS tid, f.state FROM frames f
      WHERE f.step_key = ANY(${[...stepKeys]}::bigint[]) AND ${named(selection)}
        AND f.state IN ('waiting', 'ready', 'queued', 'held', 'failed')
    ),
    moved AS (
      UPDATE frames f SET state = 'skipped', retry_at = NULL, task_key = NULL, error = ${why}
      FROM chosen c WHERE f.ctid = c.tid RETURNING f.step_key, c.state AS from_state
    )
    SELECT step_key, from_state AS "from", 'skipped' AS "to", count(*)::int AS frames, 0::float8 AS seconds
    FROM moved GROUP BY step_key, from_state`.execute(context.trx);
  await writeMoved(context, rows);
}

/** What was skipped because these steps had failed waits for them again, and goes on if nothing else of them failed. */
async function bringBack(context: ControlContext, stepKeys: readonly string[]): Promise<void> {
  const skipped = context.steps.filter((step) => step.skipped > 0).map((step) => step.key);
  await moveAgain(context, skipped, sql`(${skippedForOthers()} AND ${waitsFor(stepKeys)})`);
  await expandAgain(context);
}
