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

/**
 * Writes the frames of several steps in one statement and counts them on their steps in another.
 * @param beforeCount what is to be locked and looked at again before the counts change; the rows themselves need no lock.
 */
export async function insertFrames(
  trx: LedgerTransaction,
  slices: readonly FrameSlice[],
  beforeCount?: () => Promise<void>,
): Promise<void> {
  const runs = slices.flatMap((slice) => {
    let position = slice.offset;
    return slice.runs.map((run) => {
      const row = { slice, run, position };
      position += run.count;
      return row;
    });
  });
  await sql`
    INSERT INTO frames (step_key, number, position, state, error)
    SELECT r.step_key, r.start + r.step * i, r.position + i, r.state, r.error
    FROM unnest(
      ${runs.map((row) => row.slice.stepKey)}::bigint[], ${runs.map((row) => row.slice.state)}::frame_state[],
      ${runs.map((row) => row.slice.error)}::text[], ${runs.map((row) => row.position)}::int[],
      ${runs.map((row) => row.run.start)}::int[], ${runs.map((row) => row.run.step)}::int[],
      ${runs.map((row) => row.run.count)}::int[]
    ) AS r(step_key, state, error, position, start, step, count)
    CROSS JOIN LATERAL generate_series(0, r.count - 1) AS i`.execute(trx);
  await beforeCount?.();
  await sql`
    UPDATE steps s SET
      frames_expanded = s.frames_expanded + n.count,
      waiting = s.waiting + CASE WHEN n.state = 'waiting' THEN n.count ELSE 0 END,
      ready = s.ready + CASE WHEN n.state = 'ready' THEN n.count ELSE 0 END,
      skipped = s.skipped + CASE WHEN n.state = 'skipped' THEN n.count ELSE 0 END,
      cancelled = s.cancelled + CASE WHEN n.state = 'cancelled' THEN n.count ELSE 0 END
    FROM unnest(
      ${slices.map((slice) => slice.stepKey)}::bigint[], ${slices.map((slice) => slice.state)}::frame_state[],
      ${slices.map((slice) => slice.count)}::int[]
    ) AS n(step_key, state, count)
    WHERE s.key = n.step_key`.execute(trx);
}
