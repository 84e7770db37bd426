import { sql, type RawBuilder } from 'kysely';
import { unholdFrames } from '../failures/hold-steps.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import {
  countChosen,
  inRuns,
  selectionOf,
  skippedForOthers,
  waitsFor,
  type Selection,
} from './chosen-frames.ts';
import {
  did,
  isCancelled,
  refused,
  withoutZeros,
  would,
  type ControlContext,
  type ControlOutcome,
} from './control-context.ts';
import {
  countMade,
  linksOf,
  stopMaking,
  waitAgain,
  writeMoved,
  type MovedRow,
  type StepLinks,
} from './dependents.ts';
import { entryState } from './entry-state.ts';
import { queuedTasks, takeBack } from './take-back.ts';

/**
 * Asks for ended frames again: those that failed and those skipped because of them, or those that are named, whatever
 * their end was. What is made from them, such as a video, is made again, also when it is being made right now.
 */
export async function retry(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (isCancelled(context))
    return refused('The job is cancelled; "resume" brings its frames back, and then they can be retried.');
  const selection = selectionOf(context);
  if ('refusal' in selection) return selection.refusal;
  const counted = await countChosen(context, keysOf(context, selection), chosen(context, selection));
  const again = counted.reduce((sum, row) => sum + row.frames, 0);
  if (again === 0)
    return refused(
      selection.runs === undefined
        ? 'No frame has failed. Name frames to render them again.'
        : 'None of these frames has ended, so there is nothing to render again.',
    );
  const stepKeys = [...new Set(counted.map((row) => row.key))];
  const links = await linksOf(context, stepKeys);
  const figures = withoutZeros({ again, madeFromThem: await countMade(context, links.madeFrom) });
  if (control.dryRun) return would(context, figures);
  const effects = await renderAgain(context, selection, links);
  if (selection.runs === undefined && context.steps.some((step) => step.hold_reason !== null))
    await unholdFrames(trx, job.id);
  await trx.updateTable('jobs').set({ error: null }).where('id', '=', job.id).execute();
  await settleJobs(trx, [job.id]);
  return did(context, figures, effects);
}

async function renderAgain(
  context: ControlContext,
  selection: Selection,
  links: StepLinks,
): Promise<Pick<ControlOutcome, 'removed' | 'drops'>> {
  const stopped = await stopMaking(context, links.madeFrom);
  const waiting = links.waitingFor.length === 0 ? [] : await queuedTasks(context, links.waitingFor);
  const takenBack = await takeBack(context, waiting, 'What it waits for is rendered again.');
  await moveAgain(context, keysOf(context, selection), chosen(context, selection));
  await moveAgain(context, links.madeFrom, sql`f.state IN ('ready', 'done', 'failed', 'skipped')`);
  if (selection.runs === undefined) await expandAgain(context);
  await waitAgain(context, links.waitingFor);
  return { removed: [...stopped.removed, ...takenBack], drops: stopped.drops };
}

/** Frames of large steps that are not written yet were to be skipped, too. */
export async function expandAgain({ trx, job }: Pick<ControlContext, 'trx' | 'job'>): Promise<void> {
  await sql`UPDATE steps SET entry_state = 'waiting', entry_error = NULL
    WHERE job_id = ${job.id} AND entry_state = 'skipped'`.execute(trx);
}

/**
 * Frames that satisfy a condition are open again: generation + 1, no failures, no result. Objects of earlier results stay
 * in the store.
 */
export async function moveAgain(
  context: Pick<ControlContext, 'trx'>,
  stepKeys: readonly string[],
  condition: RawBuilder<boolean>,
): Promise<void> {
  if (stepKeys.length === 0) return;
  const { rows } = await sql<MovedRow>`
    WITH again AS MATERIALIZED (
      SELECT f.ctid AS tid, f.step_key, f.number, f.state, COALESCE(f.seconds, 0) AS seconds, s.entry
      FROM (SELECT s.key, ${entryState()} AS entry FROM steps s WHERE s.key = ANY(${[...stepKeys]}::bigint[])) s
      JOIN frames f ON f.step_key = s.key WHERE ${condition}
    ),
    outputs AS (
      DELETE FROM frame_outputs o USING again c WHERE o.step_key = c.step_key AND o.number = c.number
    ),
    moved AS (
      UPDATE frames f SET state = c.entry, generation = f.generation + 1, failures = 0, losses = 0, memory_bytes = NULL,
        retry_at = NULL, task_key = NULL, attempt = NULL, worker = NULL, seconds = NULL, peak_memory_bytes = NULL,
        bytes = NULL, sha256 = NULL, object_key = NULL, warnings = NULL, error = NULL
      FROM again c WHERE f.ctid = c.tid
      RETURNING f.step_key, c.state AS from_state, c.entry, c.seconds
    )
    SELECT step_key, from_state AS "from", entry AS "to", count(*)::int AS frames,
      COALESCE(sum(seconds) FILTER (WHERE from_state = 'done'), 0)::float8 AS seconds
    FROM moved GROUP BY step_key, from_state, entry`.execute(context.trx);
  await writeMoved(context, rows);
}

/** Frames `f` that are asked for again. */
function chosen({ steps, control }: ControlContext, selection: Selection): RawBuilder<boolean> {
  if (selection.runs !== undefined)
    return sql`(f.state IN ('done', 'failed', 'skipped', 'cancelled', 'held') AND ${inRuns(selection.runs)})`;
  const skipped = skippedForOthers();
  if (control.step === undefined) return sql`(f.state = 'failed' OR ${skipped})`;
  // Of a named step also what was skipped because of it.
  const named = steps.filter((step) => step.name === control.step).map((step) => step.key);
  return sql`((f.step_key = ANY(${named}::bigint[]) AND (f.state = 'failed' OR ${skipped})) OR (${skipped} AND ${waitsFor(named)}))`;
}

/** Steps in which frames may be chosen: without a range only where some failed or were skipped. */
function keysOf({ steps }: ControlContext, { runs, steps: asked }: Selection): string[] {
  if (runs !== undefined) return asked.map((step) => step.key);
  return steps.filter((step) => step.failed + step.skipped > 0).map((step) => step.key);
}
