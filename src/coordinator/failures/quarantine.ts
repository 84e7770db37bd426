import { sql } from 'kysely';
import type { WorkerPause } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import { NotLeaderError } from '../dispatch/leader-lease.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import { WakeUp, type WakeUps } from '../runtime/wake-ups.ts';
import type { FarmView } from './farm-view.ts';
import { quarantineReason, type WorkerRecord } from './quarantine-decision.ts';

const EVERY_MS = 2_000;
/** Failures that are older say nothing of a worker any more. */
const REMEMBERED = '24 hours';
/** A message is quoted, not kept. */
const MESSAGE_CHARACTERS = 200;

/**
 * Keeps workers away from work that keep failing with what others can render, by a pause that says why; `resume` of the
 * worker ends it. Every coordinator learns here of which workers failures are remembered; the leader decides.
 */
export class Quarantine {
  readonly #farm: FarmView;
  readonly #lease: LeaderLease;
  readonly #wakeUps: WakeUps;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;

  constructor(parts: { farm: FarmView; lease: LeaderLease; wakeUps: WakeUps }, ledger: Ledger, log: Logger) {
    this.#farm = parts.farm;
    this.#lease = parts.lease;
    this.#wakeUps = parts.wakeUps;
    this.#ledger = ledger;
    this.#log = log;
    this.#loop = new BackgroundLoop({
      name: 'quarantine',
      wakeUp: new WakeUp(),
      intervalMs: EVERY_MS,
      round: () => this.#look(),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #look(): Promise<void> {
    const records = await this.#records();
    this.#farm.setTroubled(records.map(({ worker }) => worker));
    if (!this.#lease.isLeader()) return;
    for (const record of records) {
      if (record.pausedAlready) continue;
      const reason = quarantineReason({ ...record, replaceable: this.#farm.isReplaceable(record.worker) });
      if (reason !== undefined) await this.#pause(record.worker, reason);
    }
  }

  async #records(): Promise<(Omit<WorkerRecord, 'replaceable'> & { pausedAlready: boolean })[]> {
    const { rows } = await sql<Omit<WorkerRecord, 'replaceable'> & { pausedAlready: boolean }>`
      SELECT w.worker, sum(w.host_failures)::int AS "hostFailures", bool_or(k.pause IS NOT NULL) AS "pausedAlready",
        (array_agg(left(w.message, ${MESSAGE_CHARACTERS}::int) ORDER BY w.at DESC) FILTER (WHERE w.host_failures > 0))[1] AS "hostMessage",
        COALESCE(jsonb_agg(jsonb_build_object('frame', s.job_id || '/' || s.name || ' ' || w.number,
          'message', left(w.message, ${MESSAGE_CHARACTERS}::int)) ORDER BY w.at) FILTER (WHERE f.state = 'done' AND f.worker <> w.worker), '[]')
          AS "renderedByOthers"
      FROM worker_failures w
      JOIN workers k ON k.id = w.worker
      LEFT JOIN steps s ON s.key = w.step_key
      LEFT JOIN LATERAL (
        SELECT state, worker FROM frames WHERE step_key = w.step_key AND number = w.number OFFSET 0
      ) f ON true
      WHERE w.at > now() - ${REMEMBERED}::interval
      GROUP BY w.worker`.execute(this.#ledger);
    return rows;
  }

  async #pause(worker: string, reason: string): Promise<void> {
    const pause: WorkerPause = { by: 'quarantine', reason, until: null };
    try {
      const paused = await this.#ledger.transaction().execute(async (trx) => {
        await this.#lease.fence(trx, []);
        const { numUpdatedRows } = await trx
          .updateTable('workers')
          .set({ pause: JSON.stringify(pause) })
          .where('id', '=', worker)
          .where('pause', 'is', null)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return false;
        await trx
          .insertInto('farm_events')
          .values({ verb: 'worker-quarantine', subject: worker, actor: 'farmhand', message: reason })
          .execute();
        return true;
      });
      if (!paused) return;
    } catch (error) {
      if (error instanceof NotLeaderError) return;
      throw error;
    }
    this.#log.warn({ worker, reason }, 'a worker is quarantined');
    this.#wakeUps.orders.wake();
    this.#wakeUps.feeder.wake();
  }
}
