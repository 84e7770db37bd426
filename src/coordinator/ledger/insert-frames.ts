import { sql } from 'kysely';
import type { FrameRun } from '../../shared/domain/frame-ranges.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import type { LedgerTransaction } from './job-repository.ts';

/** Frames of one step at positions `offset` … `offset + count`. */
export interface FrameSlice {
  stepKey: string;
  state: FrameState;
  error: string | null;
  offset: number;
  count: number;
  /** The numbers at these positions. */
  runs: FrameRun[];
}

/** Writes the rows of a slice; {@link countFrames} makes them a part of the step. */
export async function insertFrames(trx: LedgerTransaction, slice: FrameSlice): Promise<void> {
  let position = slice.offset;
  const positions = slice.runs.map((run) => {
    const first = position;
    position += run.count;
    return first;
  });
  await sql`
    INSERT INTO frames (step_key, number, position, state, error)
    SELECT ${slice.stepKey}::bigint, r.start + r.step * i, r.position + i, ${slice.state}::frame_state, ${slice.error}
    FROM unnest(
      ${positions}::int[], ${slice.runs.map((run) => run.start)}::int[],
      ${slice.runs.map((run) => run.step)}::int[], ${slice.runs.map((run) => run.count)}::int[]
    ) AS r(position, start, step, count)
    CROSS JOIN LATERAL generate_series(0, r.count - 1) AS i`.execute(trx);
}

/** Counts a slice's frames on their step, whose job is locked by the caller. */
export async function countFrames(trx: LedgerTransaction, slice: FrameSlice): Promise<void> {
  const column = sql.ref(slice.state);
  await sql`UPDATE steps SET frames_expanded = frames_expanded + ${slice.count}, ${column} = ${column} + ${slice.count}
    WHERE key = ${slice.stepKey}`.execute(trx);
}
