import { sql } from 'kysely';
import type { Lane } from '../../shared/contracts/queue-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';

const MOST_LANES = 200;

/** What the ledger adds to what the coordinator says of the queue. */
export class QueueQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** @param groups of workers that are here: their lanes are told although they are empty. */
  async lanes(groups: readonly string[]): Promise<Lane[]> {
    const { rows } = await sql<Lane>`
      SELECT l.id AS lane, l.group_id AS "group", l.slots AS size, COALESCE(o.queued, 0) AS queued,
        COALESCE(o.running, 0) AS running, o.oldest AS "oldestSeconds"
      FROM lanes l LEFT JOIN (
        SELECT lane, count(*) FILTER (WHERE state = 'queued')::int AS queued, count(*) FILTER (WHERE state = 'running')::int AS running,
          EXTRACT(epoch FROM now() - min(published_at) FILTER (WHERE state = 'queued'))::float8 AS oldest
        FROM tasks WHERE state IN ('queued', 'running') GROUP BY lane
      ) o ON o.lane = l.id
      WHERE o.lane IS NOT NULL OR l.group_id = ANY(${[...groups]})
      ORDER BY queued DESC, running DESC, l.id LIMIT ${MOST_LANES}`.execute(this.#ledger);
    return rows;
  }

  /** By id; erased jobs have none. */
  async names(jobIds: readonly string[]): Promise<Map<string, string>> {
    if (jobIds.length === 0) return new Map();
    const rows = await this.#ledger
      .selectFrom('jobs')
      .select(['id', 'name'])
      .where('id', 'in', [...new Set(jobIds)])
      .execute();
    return new Map(rows.map(({ id, name }) => [id, name]));
  }
}
