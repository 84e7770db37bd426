import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { idSchema } from '../../shared/contracts/job-document.ts';
import { isFrameSelection, type FrameRun } from '../../shared/domain/frame-ranges.ts';

/** Which of a job's files are meant; what is left out does not matter. */
export interface ResultSelection {
  step?: string | undefined;
  /** `main`, or another output of the frames. */
  output?: string | undefined;
  /** A frame range such as `1-100x2`. */
  frames?: string | undefined;
  /** The lowest frame number wanted of each step. */
  from?: number | undefined;
}

/** The same as query parameters, with the pattern that names the files. */
export const selectionQuery = {
  step: idSchema.optional(),
  output: idSchema.optional(),
  frames: z
    .string()
    .min(1)
    .max(10_000)
    .refine(isFrameSelection, 'a frame range such as 1-100, 1-100x2 or 7,12-14, of at most 200 pieces')
    .optional(),
  pattern: z.string().min(1).max(200).optional(),
};

/**
 * The condition that a frame number is in one of some runs.
 * @param number the column
 */
export function inRuns(runs: readonly FrameRun[], number: RawBuilder<number>): RawBuilder<boolean> {
  const pieces = runs.map(({ start, step, count }) => {
    const end = start + step * (count - 1);
    return { low: Math.min(start, end), high: Math.max(start, end), by: Math.abs(step) };
  });
  const lows = pieces.map(({ low }) => low);
  const highs = pieces.map(({ high }) => high);
  const bys = pieces.map(({ by }) => by);
  return sql<boolean>`${number} BETWEEN ${Math.min(...lows)}::int AND ${Math.max(...highs)}::int AND EXISTS (
    SELECT 1 FROM unnest(${lows}::int[], ${highs}::int[], ${bys}::int[]) AS piece (low, high, by)
    WHERE ${number} BETWEEN piece.low AND piece.high AND (${number} - piece.low) % piece.by = 0)`;
}

/** How many frames runs can name at most; without any, all are meant. */
export function mostFrames(runs: readonly FrameRun[] | undefined): number {
  return runs?.reduce((sum, { count }) => sum + count, 0) ?? Infinity;
}

/** `step render, frames 1-10`; empty when everything is selected. */
export function selectionText({ step, output, frames }: ResultSelection): string {
  const words = [
    step === undefined ? '' : `step ${step}`,
    output === undefined ? '' : `output ${output}`,
    frames === undefined ? '' : `frames ${frames}`,
  ];
  return words.filter((word) => word !== '').join(', ');
}
