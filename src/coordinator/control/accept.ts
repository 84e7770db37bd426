import type { ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import { countByState, runsByStep, selectionOf, type Selection } from './chosen-frames.ts';
import { beginChosen, besideOthers } from './chosen-sweeps.ts';
import {
  did,
  isCancelled,
  nothing,
  refused,
  withoutZeros,
  would,
  type ControlContext,
  type ControlOutcome,
} from './control-context.ts';
import type { ChosenOfStep } from './move-chosen.ts';
import { decidedBy } from './retry.ts';

/**
 * Takes results that wait for a decision as they are: all of them, or those that are named. Their findings stay with them
 * as warnings, and the history says who took them and why.
 */
export async function accept(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (isCancelled(context)) return refused('The job is cancelled; "resume" brings its frames back.');
  const selection = selectionOf(context);
  if ('refusal' in selection) return selection.refusal;
  const asked = await askedFor(context, selection);
  const counted = await countByState(context, asked);
  const accepted = counted.reduce((sum, row) => sum + row.frames, 0);
  const beside = besideOthers(context, asked, new Set(counted.map((row) => row.key)), accepted);
  if ('answer' in beside) return beside.answer;
  if (accepted === 0) return await nothingToAccept(context, selection);
  const figures = withoutZeros({ accepted });
  if (control.dryRun) return would(context, figures);
  await beginChosen(context, beside.wanted, accepted, beside.undone);
  await trx.updateTable('jobs').set({ error: null }).where('id', '=', job.id).execute();
  await settleJobs(trx, [job.id]);
  return did(context, figures);
}

/** The same wish a second time is no mistake: it has been done. */
async function nothingToAccept(context: ControlContext, { runs, steps }: Selection): Promise<ControlOutcome> {
  if (runs === undefined) return refused('No frame waits for a decision, so there is nothing to accept.');
  const done: ChosenFrames = { ...WAITING, states: ['done'], runs };
  const counted = await countByState(
    context,
    steps.map(({ key }) => ({ key, chosen: done })),
  );
  return counted.length > 0
    ? nothing('These frames are done already.')
    : refused('None of these frames waits for a decision, so there is nothing to accept.');
}

const WAITING: Omit<ChosenFrames, 'runs'> = {
  kind: 'accept',
  states: ['held'],
  forOthers: false,
  letGo: false,
  error: null,
  judged: true,
};

async function askedFor(
  context: ControlContext,
  { runs, steps }: Selection,
): Promise<readonly ChosenOfStep[]> {
  const chosen = { ...WAITING, decided: decidedBy(context) };
  if (runs === undefined) return steps.map(({ key }) => ({ key, chosen: { ...chosen, runs: null } }));
  const byStep = await runsByStep(context, runs, steps);
  return [...byStep].map(([key, ofStep]) => ({ key, chosen: { ...chosen, runs: ofStep } }));
}
