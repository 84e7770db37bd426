import { sql } from 'kysely';
import { SKIPPED_BY, type ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import { FRAME_STATES, type FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import { frameByKey } from '../ledger/frame-by-key.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import {
  countByState,
  runsByStep,
  selectionOf,
  SKIPPED_FOR_OTHERS,
  stepsAfter,
  type Selection,
} from './chosen-frames.ts';
import { beginChosen, besideOthers } from './chosen-sweeps.ts';
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
import type { ChosenOfStep } from './move-chosen.ts';
import { decidedBy, expandAgain } from './retry.ts';
import { takeBack } from './take-back.ts';

const SKIPPABLE: readonly FrameState[] = ['waiting', 'ready', 'queued', 'held', 'failed'];

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
  const asked = await askedFor(context, selection);
  const counted = await countByState(context, asked.map(inAnyState));
  const frames = (...states: string[]): number =>
    counted.reduce((sum, row) => sum + (states.includes(row.state) ? row.frames : 0), 0);
  const figures = withoutZeros({
    queued: frames('queued'),
    failed: frames('failed'),
    held: frames('held'),
    notBegun: frames('waiting', 'ready'),
    left: frames('running'),
  });
  const open = frames(...SKIPPABLE);
  const found = new Set(counted.filter(({ state }) => SKIPPABLE.includes(state)).map((row) => row.key));
  const beside = besideOthers(context, asked, found, open);
  if ('answer' in beside) return beside.answer;
  const undoes = beside.undone.length > 0;
  if (open === 0 && !undoes) return nothingToSkip(selection, frames('running'), frames('skipped'));
  if (control.dryRun) return would(context, figures);
  const { tasks, drops } = await holdersOf(context, selection, beside.wanted);
  const removed = await takeBack(context, tasks, 'Frames of it were skipped.');
  await leaveOutOfRunning(context, drops);
  const back = frames('failed') > 0 ? await broughtBack(context, selection) : [];
  await beginChosen(context, [...beside.wanted, ...back], open + skippedOf(context, back), beside.undone);
  if (frames('failed') > 0) await expandAgain(context);
  await settleJobs(trx, [job.id]);
  return open === 0
    ? did(context, {}, { message: 'These frames are not asked for again any more; none had been yet.' })
    : did(context, figures, { removed, drops });
}

function nothingToSkip({ runs }: Selection, running: number, skipped: number): ControlOutcome {
  if (runs === undefined)
    return refused('No frame has failed or waits for a decision. Name frames to skip others.');
  if (running > 0)
    return refused('These frames are being rendered; they can be skipped once they have failed.');
  if (skipped > 0) return nothing('These frames are skipped already.');
  return refused('None of these frames is open or has failed, so there is nothing to skip.');
}

const skippedBy = ({ control }: Pick<ControlContext, 'control'>): string =>
  `${SKIPPED_BY}${control.by ?? 'somebody'}.`;

async function askedFor(
  context: ControlContext,
  { runs, steps }: Selection,
): Promise<readonly ChosenOfStep[]> {
  const chosen: ChosenFrames = {
    kind: 'skip',
    states: ['failed', 'held'],
    runs: null,
    forOthers: false,
    letGo: false,
    error: skippedBy(context),
    judged: true,
    decided: decidedBy(context),
  };
  if (runs === undefined) return steps.map(({ key }) => ({ key, chosen }));
  const byStep = await runsByStep(context, runs, steps);
  return [...byStep].map(([key, ofStep]) => ({
    key,
    chosen: { ...chosen, states: SKIPPABLE, runs: ofStep, judged: false },
  }));
}

/** With those that are being rendered or have ended: the answer tells of them, too. */
const inAnyState = ({ key, chosen }: ChosenOfStep): ChosenOfStep => ({
  key,
  chosen: chosen.judged === true ? chosen : { ...chosen, states: FRAME_STATES },
});

/** Frames of a running task that are to be skipped and have not begun. */
interface Dropped extends DroppedFrames {
  stepKey: string;
}

/** Tasks that hold frames to be skipped: those that have not begun are taken back, the others leave the frames out. */
async function holdersOf(
  { trx }: ControlContext,
  { runs }: Selection,
  chosen: readonly ChosenOfStep[],
): Promise<{ tasks: { key: string; attempt: string | null }[]; drops: Dropped[] }> {
  if (runs === undefined) return { tasks: [], drops: [] };
  const { rows } = await sql<{
    key: string;
    step_key: string;
    state: 'queued' | 'running';
    attempt: string | null;
    worker: string | null;
    frames: number[];
  }>`
    SELECT t.key, t.step_key, t.state, t.attempt, t.worker, array_agg(f.number) AS frames
    FROM tasks t CROSS JOIN LATERAL unnest(t.frames) AS n(number)
    CROSS JOIN LATERAL ${frameByKey(sql`t.step_key`, sql`n.number`)} f
    WHERE t.step_key = ANY(${chosen.map(({ key }) => key)}::bigint[]) AND t.state IN ('queued', 'running')
      AND f.task_key = t.key AND f.state = 'queued' AND EXISTS (
        SELECT 1 FROM jsonb_to_recordset(${JSON.stringify(runs)}::jsonb) AS r(start int, step int, count int)
        WHERE (f.number - r.start) % r.step = 0 AND (f.number - r.start) / r.step BETWEEN 0 AND r.count - 1)
    GROUP BY t.key`.execute(trx);
  return {
    tasks: rows.filter((row) => row.state === 'queued'),
    drops: rows.flatMap(({ step_key, state, worker, attempt, frames }) =>
      state === 'running' && worker !== null && attempt !== null
        ? [{ stepKey: step_key, worker, attempt, frames }]
        : [],
    ),
  };
}

/** What workers hold is skipped at once, however many frames are skipped after it: they do not render it any more. */
async function leaveOutOfRunning(context: ControlContext, drops: readonly Dropped[]): Promise<void> {
  if (drops.length === 0) return;
  const held = drops.flatMap(({ stepKey, frames }) => frames.map((number) => ({ stepKey, number })));
  const { rows } = await sql<{ step_key: string; frames: number }>`
    WITH held AS MATERIALIZED (
      SELECT f.tid FROM unnest(${held.map(({ stepKey }) => stepKey)}::bigint[], ${held.map(({ number }) => number)}::int[])
        AS n(step_key, number)
      CROSS JOIN LATERAL ${frameByKey(sql`n.step_key`, sql`n.number`)} f WHERE f.state = 'queued'
    ),
    moved AS (
      UPDATE frames f SET state = 'skipped', retry_at = NULL, task_key = NULL, error = ${skippedBy(context)}
      FROM held h WHERE f.ctid = h.tid RETURNING f.step_key
    )
    SELECT step_key, count(*)::int AS frames FROM moved GROUP BY step_key`.execute(context.trx);
  const deltas = new CountDeltas();
  for (const row of rows) deltas.move(row.step_key, 'queued', 'skipped', row.frames);
  await deltas.write(context.trx);
}

/** What was skipped because these steps had failed waits for them again, and goes on if nothing else of them failed. */
async function broughtBack(
  { trx, steps }: ControlContext,
  { steps: asked }: Selection,
): Promise<ChosenOfStep[]> {
  const after = await stepsAfter(
    trx,
    asked.map((step) => step.key),
  );
  return steps
    .filter((step) => step.skipped > 0 && after.has(step.key))
    .map(({ key }) => ({ key, chosen: SKIPPED_FOR_OTHERS }));
}

function skippedOf({ steps }: ControlContext, chosen: readonly ChosenOfStep[]): number {
  const keys = new Set(chosen.map(({ key }) => key));
  return steps.reduce((sum, { key, skipped }) => (keys.has(key) ? sum + skipped : sum), 0);
}
