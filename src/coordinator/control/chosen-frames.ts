import { sql } from 'kysely';
import type { ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { MAX_PICKED_RUNS, parseFrameSelection, type FrameRun } from '../../shared/domain/frame-ranges.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import { subtractRuns } from '../../shared/domain/subtract-runs.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import {
  noSuchStep,
  refused,
  stepsAskedFor,
  type ControlContext,
  type ControlOutcome,
  type ControlledStep,
} from './control-context.ts';
import { countChosen, type ChosenOfStep } from './move-chosen.ts';

/** Frames that a control message names, in words of the ledger. */
export interface Selection {
  /** The runs of `frames`; undefined: those that failed. */
  runs: readonly FrameRun[] | undefined;
  steps: readonly ControlledStep[];
}

/** What the message names, or why it cannot be understood. */
export function selectionOf(context: ControlContext): Selection | { refusal: ControlOutcome } {
  const { control } = context;
  const steps = stepsAskedFor(context);
  if (!steps) return { refusal: noSuchStep(context) };
  if (control.frames === undefined) return { runs: undefined, steps };
  try {
    return { runs: parseFrameSelection(control.frames, MAX_PICKED_RUNS), steps };
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return { refusal: refused(error.message, error.issues) };
  }
}

/** The runs of a selection by step; null where they are all of the step's frames. */
export async function runsByStep(
  { infos }: Pick<ControlContext, 'infos'>,
  runs: readonly FrameRun[],
  steps: readonly ControlledStep[],
): Promise<Map<string, readonly FrameRun[] | null>> {
  const known = await infos.load(steps.map((step) => step.key));
  const chosen = countOf(runs);
  // Which numbers are left is only looked at where there can be none.
  const areAll = (all: readonly FrameRun[]): boolean =>
    chosen >= countOf(all) && subtractRuns(all, runs).length === 0;
  return new Map(
    steps.map(({ key }) => {
      const all = known.get(key)?.spec.runs;
      return [key, all !== undefined && areAll(all) ? null : runs];
    }),
  );
}

const countOf = (runs: readonly FrameRun[]): number => runs.reduce((sum, run) => sum + run.count, 0);

/** How many of the chosen frames are in which state: by the step's counts where all of a state are meant. */
export async function countByState(
  { trx, steps }: Pick<ControlContext, 'trx' | 'steps'>,
  chosen: readonly ChosenOfStep[],
): Promise<{ key: string; state: FrameState; frames: number }[]> {
  const counts = new Map(steps.map((step) => [step.key, step]));
  const some = (key: string, state: FrameState): boolean => (counts.get(key)?.[state] ?? 0) > 0;
  const isWhole = ({ key, chosen: { runs, forOthers, states, judged } }: ChosenOfStep): boolean =>
    runs === null &&
    !(forOthers && states.includes('skipped') && some(key, 'skipped')) &&
    !(judged === true && some(key, 'held'));
  const known = chosen
    .filter(isWhole)
    .flatMap(({ key, chosen: { states } }) =>
      states.map((state) => ({ key, state, frames: counts.get(key)?.[state] ?? 0 })),
    );
  const looked = await countChosen(
    trx,
    chosen.filter((one) => !isWhole(one)),
  );
  return [...known, ...looked].filter(({ frames }) => frames > 0);
}

/** Steps that wait for one of the given steps, directly or through others. */
export async function stepsAfter(trx: LedgerTransaction, stepKeys: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ step_key: string }>`
    WITH RECURSIVE after AS (
      SELECT d.step_key FROM step_dependencies d WHERE d.depends_on = ANY(${[...stepKeys]}::bigint[])
      UNION SELECT d.step_key FROM step_dependencies d JOIN after a ON a.step_key = d.depends_on
    ) SELECT step_key FROM after`.execute(trx);
  return new Set(rows.map((row) => row.step_key));
}

/** Frames that were skipped because something they wait for had failed. */
export const SKIPPED_FOR_OTHERS: ChosenFrames = {
  kind: 'retry',
  states: ['skipped'],
  runs: null,
  forOthers: true,
  letGo: false,
  error: null,
};
