import { sql } from 'kysely';
import type { Ledger } from '../../src/shared/database/connect.ts';

/** Steps whose counts of ready, held, failed and done frames are not what their frames say. */
export async function stepsWithWrongCounts(ledger: Ledger): Promise<unknown[]> {
  const { rows } = await sql`
    SELECT s.key FROM steps s CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE f.state = 'ready') AS ready, count(*) FILTER (WHERE f.state = 'held') AS held,
        count(*) FILTER (WHERE f.state = 'failed') AS failed, count(*) FILTER (WHERE f.state = 'done') AS done
      FROM frames f WHERE f.step_key = s.key
    ) c WHERE (s.ready, s.held, s.failed, s.done) IS DISTINCT FROM (c.ready, c.held, c.failed, c.done)`.execute(
    ledger,
  );
  return rows;
}
