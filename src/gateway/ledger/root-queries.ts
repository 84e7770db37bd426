import { sql } from 'kysely';
import type { Roots } from '../../shared/contracts/storage-roots.ts';
import type { Ledger } from '../../shared/database/connect.ts';

/** Reads of shared storage that workers mount. */
export class RootQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** By name, with how many workers that are there have it mounted. */
  async list(): Promise<Roots['roots']> {
    const { rows } = await sql<Roots['roots'][number]>`
      SELECT r.name, r.linux, r.mac, r.windows, r.unc, (
        SELECT count(*)::int FROM workers w WHERE w.state = 'online' AND w.heartbeat->'roots' ? r.name
      ) AS workers FROM storage_roots r ORDER BY r.name`.execute(this.#ledger);
    return rows;
  }
}
