import { sql, type RawBuilder } from 'kysely';

/** Frames come in as `waiting` where their step `s` depends on others; settling releases them when those are complete. */
export const entryState = (): RawBuilder<'waiting' | 'ready'> => sql`CASE WHEN EXISTS (
  SELECT 1 FROM step_dependencies d WHERE d.step_key = s.key
) OR EXISTS (SELECT 1 FROM job_dependencies d WHERE d.job_id = s.job_id) THEN 'waiting' ELSE 'ready' END::frame_state`;
