import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { idSchema } from '../../shared/contracts/job-document.ts';
import { InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { isFrameRange, parseFrameRange } from '../../shared/domain/frame-ranges.ts';

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
    .refine(isFrameRange, 'a frame range such as 1-100, 1-100x2 or 7,12-14')
    .optional(),
  pattern: z.string().min(1).max(200).optional(),
};

/** Each piece is looked at for each frame. */
const MAX_PIECES = 200;

/**
 * The condition that a frame number is in a range.
 * @param number the column
 * @throws InvalidInputError for a range of more than 200 pieces
 */
export function inFrameRange(range: string, number: RawBuilder<number>): RawBuilder<boolean> {
  const pieces = parseFrameRange(range).runs.map(({ start, step, count }) => {
    const end = start + step * (count - 1);
    return { low: Math.min(start, end), high: Math.max(start, end), by: Math.abs(step) };
  });
  if (pieces.length > MAX_PIECES)
    throw new InvalidInputError('The request', [
      { path: 'frames', value: describeValue(range), expected: `a range of at most ${MAX_PIECES} pieces` },
    ]);
  const lows = pieces.map(({ low }) => low);
  const highs = pieces.map(({ high }) => high);
  const bys = pieces.map(({ by }) => by);
  return sql<boolean>`${number} BETWEEN ${Math.min(...lows)}::int AND ${Math.max(...highs)}::int AND EXISTS (
    SELECT 1 FROM unnest(${lows}::int[], ${highs}::int[], ${bys}::int[]) AS piece (low, high, by)
    WHERE ${number} BETWEEN piece.low AND piece.high AND (${number} - piece.low) % piece.by = 0)`;
}

/** How many frames a selection can name at most. */
export function mostFrames({ frames }: ResultSelection): number {
  return frames === undefined ? Infinity : parseFrameRange(frames).count;
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
