import { sql } from 'kysely';
import type { Heartbeat } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';

/** Workers as the ledger keeps them, for people and for after a restart. */
export class WorkerRepository {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** One statement for all. */
  async save(workers: readonly { heartbeat: Heartbeat; group: string }[]): Promise<void> {
    if (workers.length === 0) return;
    const rows = workers.map(({ heartbeat, group }) => ({
      id: heartbeat.workerId,
      instance: heartbeat.instance,
      host: heartbeat.host,
      group_id: group,
      slots: heartbeat.slots,
      engines: heartbeat.engines,
      heartbeat,
    }));
    await sql`
      INSERT INTO workers (id, instance, host, group_id, slots, engines, state, heartbeat)
      SELECT w.id, w.instance, w.host, w.group_id, w.slots, w.engines, 'online', w.heartbeat
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS w(id text, instance text, host text, group_id text, slots integer, engines jsonb, heartbeat jsonb)
      ORDER BY w.id
      ON CONFLICT (id) DO UPDATE SET instance = excluded.instance, host = excluded.host, group_id = excluded.group_id,
        slots = excluded.slots, engines = excluded.engines, state = 'online', heartbeat = excluded.heartbeat,
        seen_at = now()`.execute(this.#ledger);
  }

  async setState(ids: readonly string[], state: 'lost' | 'offline'): Promise<void> {
    if (ids.length === 0) return;
    await this.#ledger
      .updateTable('workers')
      .set({ state })
      .where('id', 'in', ids)
      .where('state', '=', 'online')
      .execute();
  }

  /** Ids that the ledger believes to be there. */
  async online(): Promise<string[]> {
    const rows = await this.#ledger
      .selectFrom('workers')
      .select('id')
      .where('state', '=', 'online')
      .execute();
    return rows.map((row) => row.id);
  }
}
