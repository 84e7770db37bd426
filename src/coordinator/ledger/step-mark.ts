import { sql } from 'kysely';

/** Of a step `s` of a job `j`: what changes seldom, as text. Two that are equal need not be compared further. */
export const STEP_MARK = sql<string>`concat_ws(' ', s.done, j.priority, j.paused, j.limit_running, j.not_before, s.sweep, s.chunk, s.target_seconds,
  s.engine_version, s.retry_at)`;
