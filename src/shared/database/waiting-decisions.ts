import { sql } from 'kysely';
import type { WaitingDecisions } from '../contracts/quality-api.ts';

const MOST_NAMED = 10;

/** Of a row `jobs`: which of its frames wait for a person's decision; null where none does. By a partial index of those. */
export const WAITING_DECISIONS = sql<WaitingDecisions | null>`(
  SELECT json_build_object('frames', n.frames, 'first', (
    SELECT json_agg(w) FROM (
      SELECT s.name AS step, f.number, f.generation, f.error AS reason
      FROM steps s CROSS JOIN LATERAL (
        SELECT number, generation, error FROM frames
        WHERE step_key = s.key AND state = 'held' AND verdict IS NOT NULL ORDER BY number LIMIT ${sql.lit(MOST_NAMED)}
      ) f WHERE s.job_id = jobs.id AND s.held > 0 ORDER BY s.position, f.number LIMIT ${sql.lit(MOST_NAMED)}
    ) w))
  FROM (
    SELECT COALESCE(sum(f.frames), 0)::int AS frames FROM steps s CROSS JOIN LATERAL (
      SELECT count(*) AS frames FROM frames WHERE step_key = s.key AND state = 'held' AND verdict IS NOT NULL
    ) f WHERE s.job_id = jobs.id AND s.held > 0
  ) n WHERE n.frames > 0)`;
