import { sql } from 'kysely';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import {
  MAX_FRAMES,
  parseFrameRange,
  sliceRuns,
  type FrameRange,
  type FrameRun,
} from '../../shared/domain/frame-ranges.ts';
import { parseOutputPattern, patternCollision } from '../../shared/domain/output-pattern.ts';
import { subtractRuns } from '../../shared/domain/subtract-runs.ts';
import { countFrames, insertFrames } from '../ledger/insert-frames.ts';
import { FIRST_FRAMES } from '../ledger/job-repository.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import {
  did,
  isCancelled,
  noSuchStep,
  nothing,
  refused,
  stepsAskedFor,
  withoutZeros,
  would,
  type ControlContext,
  type ControlledStep,
  type ControlOutcome,
} from './control-context.ts';
import { beginChosen } from './chosen-sweeps.ts';
import { countMade, followUps, linksOf, stopMaking, type StepLinks } from './dependents.ts';
import { entryState } from './entry-state.ts';
import { queuedTasks, takeBack } from './take-back.ts';

interface Addition {
  step: ControlledStep;
  /** All of the step's frames: those it has, then the new ones. */
  runs: FrameRun[];
  added: number;
}

/**
 * Adds frames to a step, also to one that has ended; those it has already are left out. They come after the others. What
 * is made from the step, such as a video, is made again; what waits for it waits again.
 */
export async function addFrames(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (isCancelled(context)) return refused('The job is cancelled; "resume" it first, then add frames.');
  const step = stepToAddTo(context);
  if ('ok' in step) return step;
  let range: FrameRange;
  try {
    range = parseFrameRange(control.frames ?? '');
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return refused(error.message, error.issues);
  }
  const before = await readRuns(context, step);
  const fresh = subtractRuns(range.runs, before);
  const added = fresh.reduce((sum, run) => sum + run.count, 0);
  if (added === 0) return nothing('The step has all of these frames already.');
  const problem = tooMany(context, added) ?? (await nameProblem(context, step, added));
  if (problem !== undefined) return refused(problem);
  const links = await linksOf(context, [step.key]);
  const figures = withoutZeros({
    added,
    present: range.count - added,
    madeFromThem: await countMade(context, links.madeFrom),
  });
  if (control.dryRun) return would(context, figures);
  const effects = await write(context, { step, runs: [...before, ...fresh], added }, links);
  await settleJobs(trx, [job.id]);
  return did(context, figures, effects);
}

/** The step that is named, or the only one that has frames. */
function stepToAddTo(context: ControlContext): ControlledStep | ControlOutcome {
  const asked = stepsAskedFor(context);
  if (!asked) return noSuchStep(context);
  const withFrames = asked.filter((step) => describeEngine(step.engine)?.work !== 'unit');
  const [only, ...others] = withFrames;
  if (!only)
    return refused(
      `${context.control.step === undefined ? 'The job' : `Step ${context.control.step}`} is one piece of work and has no frames to add to.`,
    );
  if (others.length === 0) return only;
  const names = withFrames.slice(0, 10).map((step) => step.name);
  return refused(`The job has several steps with frames; say which with "step": ${names.join(', ')}.`);
}

/** Read here and not from what this process remembers: another coordinator may have added frames. */
async function readRuns({ trx }: ControlContext, step: ControlledStep): Promise<FrameRun[]> {
  const { rows } = await sql<{ runs: FrameRun[] }>`
    SELECT spec->'runs' AS runs FROM steps WHERE key = ${step.key}`.execute(trx);
  return rows[0]?.runs ?? [];
}

function tooMany({ steps }: ControlContext, added: number): string | undefined {
  const total = steps.reduce((sum, step) => sum + step.frame_total, added);
  if (total <= MAX_FRAMES) return undefined;
  return `The job would have ${total.toLocaleString('en')} frames; at most ${MAX_FRAMES.toLocaleString('en')} are taken.`;
}

/** One frame may have a name without a number; several may not. */
async function nameProblem(
  { infos }: ControlContext,
  step: ControlledStep,
  added: number,
): Promise<string | undefined> {
  const spec = (await infos.load([step.key])).get(step.key)?.spec;
  if (!spec) throw new Error(`Step ${step.key} has vanished`);
  const { pattern } = spec.output;
  const expected = patternCollision(parseOutputPattern(pattern), {
    frames: step.frame_total + added,
    othersWithSamePattern: false,
  });
  return expected === undefined
    ? undefined
    : `Files of the step are named ${pattern}; for more frames that has to be ${expected}. Submit the job again with another output.pattern.`;
}

async function write(
  context: ControlContext,
  { step, runs, added }: Addition,
  links: StepLinks,
): Promise<Pick<ControlOutcome, 'removed' | 'drops'>> {
  const { trx } = context;
  const stopped = await stopMaking(context, links.madeFrom);
  const waiting = links.waitingFor.length === 0 ? [] : await queuedTasks(context, links.waitingFor);
  const takenBack = await takeBack(context, waiting, 'What it waits for has more frames.');
  const { rows } = await sql<Pick<ControlledStep, 'entry_state'>>`
    UPDATE steps s SET spec = jsonb_set(spec, '{runs}', ${JSON.stringify(runs)}::jsonb), frame_total = frame_total + ${added},
      entry_state = CASE WHEN s.entry_state = 'held' THEN s.entry_state ELSE ${entryState()} END, entry_error = NULL
    WHERE s.key = ${step.key} RETURNING s.entry_state`.execute(trx);
  // The first ones at once; the expander writes the others, and all of a step that it has not finished yet.
  if (step.frames_expanded === step.frame_total) {
    const count = Math.min(added, FIRST_FRAMES);
    const slice = {
      stepKey: step.key,
      state: rows[0]?.entry_state ?? 'ready',
      error: null,
      offset: step.frame_total,
      count,
      runs: sliceRuns(runs, step.frame_total, count),
    };
    await insertFrames(trx, slice);
    await countFrames(trx, slice);
  }
  const follows = await followUps(context, links);
  await beginChosen(context, follows.chosen, follows.frames);
  return { removed: [...stopped.removed, ...takenBack], drops: stopped.drops };
}
