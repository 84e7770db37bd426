import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { FarmRules } from '../planning/snapshot.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';

/** Other coordinators may have changed them, and a lowered limit rises again by itself. */
const READ_EVERY_MS = 2_000;

/** Limits, shares and guarantees, as dispatch keeps them. */
export class FarmRulesCache {
  readonly #ledger: Ledger;
  readonly #wakeUps: WakeUps;
  #rules: FarmRules = { limits: [], shares: [], guarantees: [] };
  #readAt = -Infinity;

  constructor(ledger: Ledger, wakeUps: WakeUps) {
    this.#ledger = ledger;
    this.#wakeUps = wakeUps;
  }

  /** Somebody changed limits, shares or guarantees: the next round of dispatch goes by the new ones. */
  changed(): void {
    this.#readAt = -Infinity;
    this.#wakeUps.feeder.wake();
  }

  /** The rules, not older than a few seconds. */
  async read(): Promise<FarmRules> {
    const now = performance.now();
    if (now - this.#readAt < READ_EVERY_MS) return this.#rules;
    this.#readAt = now;
    try {
      this.#rules = await readRules(this.#ledger);
    } catch (error) {
      this.#readAt = -Infinity;
      throw error;
    }
    return this.#rules;
  }
}

async function readRules(ledger: Ledger): Promise<FarmRules> {
  const { rows } = await sql<{ rules: FarmRules }>`
    SELECT json_build_object(
      'limits', COALESCE((SELECT json_agg(json_build_object('kind', kind, 'name', name,
        'running', CASE WHEN lowered_until > now() THEN LEAST(running, COALESCE(lowered_to, running)) ELSE running END)) FROM limits), '[]'),
      'shares', COALESCE((SELECT json_agg(json_build_object('kind', kind, 'name', name, 'weight', weight)) FROM shares), '[]'),
      'guarantees', COALESCE((SELECT json_agg(json_build_object('project', project, 'pool', pool, 'slots', slots)) FROM guarantees), '[]')
    ) AS rules`.execute(ledger);
  const [row] = rows;
  if (!row) throw new Error('Postgres gave no row of rules');
  return row.rules;
}
