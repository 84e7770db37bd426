import { sql, type RawBuilder } from 'kysely';
import { FarmError } from '../../shared/domain/errors.ts';
import { MAX_FRAME_NUMBER, parseFrameRange, type FrameRun } from '../../shared/domain/frame-ranges.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import {
  noSuchStep,
  refused,
  stepsAskedFor,
  type ControlContext,
  type ControlOutcome,
  type ControlledStep,
} from './control-context.ts';

/** How an error begins that tells who skipped a frame; those are not brought back with what failed. */
export const SKIPPED_BY = 'Skipped by ';

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
    return { runs: parseFrameRange(control.frames).runs, steps };
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return { refusal: refused(error.message, error.issues) };
  }
}

/** Frames `f` whose numbers are in the runs. The bounds let the primary key find them. */
export function inRuns(runs: readonly FrameRun[]): RawBuilder<boolean> {
  const ends = runs.flatMap((run) => [run.start, run.start + (run.count - 1) * run.step]);
  const low = ends.reduce((least, end) => Math.min(least, end), MAX_FRAME_NUMBER);
  const high = ends.reduce((most, end) => Math.max(most, end), -MAX_FRAME_NUMBER);
  return sql<boolean>`(f.number BETWEEN ${low}::int AND ${high}::int AND EXISTS (
    SELECT 1 FROM unnest(
      ${runs.map((run) => run.start)}::int[], ${runs.map((run) => run.step)}::int[], ${runs.map((run) => run.count)}::int[]
    ) AS r(start, step, count)
    WHERE (f.number - r.start) % r.step = 0 AND (f.number - r.start) / r.step BETWEEN 0 AND r.count - 1))`;
}

/** How many frames that satisfy a condition on `f` are in which state, by step. */
export async function countChosen(
  { trx }: Pick<ControlContext, 'trx'>,
  stepKeys: readonly string[],
  condition: RawBuilder<boolean>,
): Promise<{ key: string; state: FrameState; frames: number }[]> {
  const { rows } = await sql<{ key: string; state: FrameState; frames: number }>`
    SELECT f.step_key AS key, f.state, count(*)::int AS frames FROM frames f
    WHERE f.step_key = ANY(${[...stepKeys]}::bigint[]) AND ${condition} GROUP BY f.step_key, f.state`.execute(
    trx,
  );
  return rows;
}

/** Frames `f` that were skipped because something they wait for had failed. */
export const skippedForOthers = (): RawBuilder<boolean> =>
  sql<boolean>`(f.state = 'skipped' AND NOT COALESCE(starts_with(f.error, ${SKIPPED_BY}), false))`;

/** Steps `f.step_key` that wait for one of the given steps, directly or through others. */
export const waitsFor = (stepKeys: readonly string[]): RawBuilder<boolean> => sql<boolean>`f.step_key IN (
  WITH RECURSIVE after AS (
    SELECT d.step_key FROM step_dependencies d WHERE d.depends_on = ANY(${[...stepKeys]}::bigint[])
    UNION SELECT d.step_key FROM step_dependencies d JOIN after a ON a.step_key = d.depends_on
  ) SELECT step_key FROM after)`;
