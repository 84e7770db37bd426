import { sql } from 'kysely';
import type { ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import { unholdFrames } from '../failures/hold-steps.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import {
  countByState,
  runsByStep,
  selectionOf,
  SKIPPED_FOR_OTHERS,
  stepsAfter,
  type Selection,
} from './chosen-frames.ts';
import { beginChosen, besideOthers, type Beside } from './chosen-sweeps.ts';
import {
  did,
  isCancelled,
  refused,
  withoutZeros,
  would,
  type ControlContext,
  type ControlOutcome,
} from './control-context.ts';
import { countMade, followUps, linksOf, stopMaking, type StepLinks } from './dependents.ts';
import type { ChosenOfStep } from './move-chosen.ts';
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
  const asked = await askedFor(context, selection);
  const counted = await countByState(context, asked);
  const again = counted.reduce((sum, row) => sum + row.frames, 0);
  const found = new Set(counted.map((row) => row.key));
  const beside = besideOthers(context, asked, found, again);
  if ('answer' in beside) return beside.answer;
  if (again === 0 && beside.undone.length === 0)
    return refused(
      selection.runs === undefined
        ? 'No frame has failed or waits for a decision. Name frames to render them again.'
        : 'None of these frames has ended, so there is nothing to render again.',
    );
  const links = await linksOf(context, [...found]);
  const figures = withoutZeros({ again, madeFromThem: await countMade(context, links.madeFrom) });
  if (control.dryRun) return would(context, figures);
  const effects = await renderAgain(context, beside, again, links);
  if (selection.runs === undefined) {
    await expandAgain(context);
    if (context.steps.some((step) => step.hold_reason !== null)) await unholdFrames(trx, job.id);
  }
  await trx.updateTable('jobs').set({ error: null }).where('id', '=', job.id).execute();
  await settleJobs(trx, [job.id]);
  return again === 0
    ? did(context, {}, { ...effects, message: 'These frames are not skipped any more; none had been yet.' })
    : did(context, figures, effects);
}

/** The frames open again, with what follows for steps that depend on them. */
export async function renderAgain(
  context: ControlContext,
  { wanted, undone }: Beside,
  frames: number,
  links: StepLinks,
): Promise<Pick<ControlOutcome, 'removed' | 'drops'>> {
  const stopped = await stopMaking(context, links.madeFrom);
  const waiting = links.waitingFor.length === 0 ? [] : await queuedTasks(context, links.waitingFor);
  const takenBack = await takeBack(context, waiting, 'What it waits for is rendered again.');
  const follows = await followUps(context, links);
  await beginChosen(context, [...wanted, ...follows.chosen], frames + follows.frames, undone);
  return { removed: [...stopped.removed, ...takenBack], drops: stopped.drops };
}

/** Frames of large steps that are not written yet were to be skipped, too. */
export async function expandAgain({ trx, job }: Pick<ControlContext, 'trx' | 'job'>): Promise<void> {
  await sql`UPDATE steps SET entry_state = 'waiting', entry_error = NULL
    WHERE job_id = ${job.id} AND entry_state = 'skipped'`.execute(trx);
}

/** With whoever asked for it, for the history of frames that were judged. */
export const decidedBy = ({
  control,
}: Pick<ControlContext, 'control'>): NonNullable<ChosenFrames['decided']> => ({
  by: control.by ?? 'somebody',
  note: control.note ?? null,
});

const ENDED: Omit<ChosenFrames, 'runs'> = {
  kind: 'retry',
  states: ['done', 'failed', 'skipped', 'cancelled', 'held'],
  forOthers: false,
  letGo: false,
  error: null,
};
const FAILED: ChosenFrames = { ...SKIPPED_FOR_OTHERS, states: ['failed', 'skipped', 'held'], judged: true };

/**
 * Frames that are to be rendered again, by step: those that are named, or those that failed, those skipped for them, and those
 * that wait for a decision.
 */
async function askedFor(
  context: ControlContext,
  { runs, steps: asked }: Selection,
): Promise<readonly ChosenOfStep[]> {
  const { trx, steps, control } = context;
  const decided = decidedBy(context);
  if (runs !== undefined) {
    const byStep = await runsByStep(context, runs, asked);
    return [...byStep].map(([key, ofStep]) => ({ key, chosen: { ...ENDED, runs: ofStep, decided } }));
  }
  const broken = steps.filter((step) => step.failed + step.skipped + step.held > 0);
  const chosen = { ...FAILED, decided };
  if (control.step === undefined) return broken.map(({ key }) => ({ key, chosen }));
  // Of a named step also what was skipped because of it.
  const named = asked.map((step) => step.key);
  const after = await stepsAfter(trx, named);
  return broken.flatMap(({ key }) => {
    if (named.includes(key)) return [{ key, chosen }];
    return after.has(key) ? [{ key, chosen: SKIPPED_FOR_OTHERS }] : [];
  });
}
