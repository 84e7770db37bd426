import { sql } from 'kysely';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/** After a licence server had none left, so long no more are asked for than it gave. */
export const LOWERED_SECONDS = 60;

/**
 * Lowers, for a while, what limits the steps that found no licence: the licence pools that they name; where they name
 * none, the limit of their engine; where there is none either, the step itself waits. Their tasks have ended already.
 * A pool is lowered to what runs with it now, since that is what the server has given.
 */
export async function lowerLicences(trx: LedgerTransaction, stepKeys: readonly string[]): Promise<void> {
  if (stepKeys.length === 0) return;
  await sql`
    WITH refused AS (
      SELECT s.key, s.engine, s.spec->'licences' AS licences FROM steps s WHERE s.key = ANY(${[...new Set(stepKeys)]}::bigint[])
    ),
    pools AS (
      SELECT DISTINCT 'licence' AS kind, pool AS name FROM refused r, jsonb_array_elements_text(r.licences) AS pool
      UNION SELECT 'engine', engine FROM refused WHERE licences = '[]'::jsonb
    ),
    found AS MATERIALIZED (
      SELECT l.kind, l.name FROM limits l JOIN pools p ON p.kind = l.kind AND p.name = l.name ORDER BY l.kind, l.name FOR UPDATE OF l
    ),
    running AS MATERIALIZED (
      SELECT t.engine, s.spec->'licences' AS licences FROM tasks t JOIN steps s ON s.key = t.step_key WHERE t.state = 'running'
    ),
    lowered AS (
      UPDATE limits l SET lowered_until = now() + make_interval(secs => ${LOWERED_SECONDS}), lowered_to = (
        SELECT count(*) FROM running r WHERE CASE f.kind WHEN 'engine' THEN r.engine = f.name ELSE r.licences ? f.name END
      )
      FROM found f WHERE l.kind = f.kind AND l.name = f.name
    )
    UPDATE steps s SET retry_at = now() + make_interval(secs => ${LOWERED_SECONDS}) FROM refused r
    WHERE s.key = r.key AND r.licences = '[]'::jsonb
      AND NOT EXISTS (SELECT 1 FROM found f WHERE f.kind = 'engine' AND f.name = r.engine)`.execute(trx);
}
