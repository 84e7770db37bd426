import { sql, type RawBuilder } from 'kysely';
import type { FrameState } from '../../../shared/domain/states.ts';

/** Frames of a large step whose rows are still being written: they wait, or are cancelled. */
const WAITING = sql`(s.waiting + CASE WHEN s.entry_state = 'cancelled' THEN 0 ELSE s.frame_total - s.frames_expanded END)`;
const CANCELLED = sql`(s.cancelled + CASE WHEN s.entry_state = 'cancelled' THEN s.frame_total - s.frames_expanded ELSE 0 END)`;
/** What comes back waits where the step's frames do, and is ready otherwise. */
const comesBack = (state: 'waiting' | 'ready'): RawBuilder<number> =>
  sql`CASE WHEN (s.entry_state = 'waiting') = ${sql.lit(state === 'waiting')}
    THEN CASE s.sweep WHEN 'revive' THEN ${CANCELLED} + s.held WHEN 'let-go' THEN s.held ELSE 0 END ELSE 0 END`;

/** A step's frames in a state, as a summary counts them (`toJobSummary`): as if its sweep were through. */
const IN_STATE: Record<FrameState, RawBuilder<number>> = {
  waiting: sql`CASE WHEN s.sweep IN ('cancel', 'hold') THEN 0 ELSE ${WAITING} + ${comesBack('waiting')} END`,
  ready: sql`CASE WHEN s.sweep IN ('cancel', 'hold') THEN 0 ELSE s.ready + ${comesBack('ready')} END`,
  queued: sql`s.queued`,
  running: sql`s.running`,
  done: sql`s.done`,
  failed: sql`s.failed`,
  held: sql`CASE WHEN s.sweep IN ('cancel', 'revive', 'let-go') THEN 0 WHEN s.sweep = 'hold' THEN s.held + ${WAITING} + s.ready ELSE s.held END`,
  skipped: sql`s.skipped`,
  cancelled: sql`CASE s.sweep WHEN 'cancel' THEN ${CANCELLED} + ${WAITING} + s.ready + s.held WHEN 'revive' THEN 0 ELSE ${CANCELLED} END`,
};

const ofSteps = (value: RawBuilder<unknown>): RawBuilder<number> =>
  sql`(SELECT ${value} FROM steps s WHERE s.job_id = jobs.id)`;

/** Of a row `jobs`: its frames in a state. */
export const framesIn = (state: FrameState): RawBuilder<number> =>
  ofSteps(sql`COALESCE(sum(${IN_STATE[state]}), 0)::float8`);

export const framesInAll = ofSteps(sql`COALESCE(sum(s.frame_total), 0)::float8`);

export const percentDone = ofSteps(
  sql`COALESCE(floor(sum(s.done)::float8 / NULLIF(sum(s.frame_total), 0)::float8 * 100), 0)`,
);

/** Frames that wait for a person's decision; by a partial index of those. */
export const framesUndecided = sql<number>`(
  SELECT COALESCE(sum(u.frames), 0)::float8 FROM steps s CROSS JOIN LATERAL (
    SELECT count(*) AS frames FROM frames WHERE step_key = s.key AND state = 'held' AND verdict IS NOT NULL
  ) u WHERE s.job_id = jobs.id AND s.held > 0)`;

/** How long a job has been at work by a certain time, which is now where none is said. */
export const elapsedSeconds = (until: RawBuilder<unknown> = sql`now()`): RawBuilder<number> =>
  sql`extract(epoch FROM COALESCE(jobs.finished_at, ${until}) - jobs.started_at)::float8`;
