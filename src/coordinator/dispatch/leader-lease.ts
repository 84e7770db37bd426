import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

const LEASE = 'feeder';
const TTL_MS = 3_000;
const RENEW_EVERY_MS = 1_000;

/** This coordinator is no longer the feeder; what it was about to write must not be written. */
export class NotLeaderError extends Error {
  constructor() {
    super('Another coordinator feeds the farm now');
    this.name = 'NotLeaderError';
  }
}

/**
 * Elects the one coordinator that feeds, by a row in Postgres. The epoch grows at each change of holder, and every
 * transaction of the feeder checks it first, so that a leader that was frozen and wakes up late writes nothing.
 */
export class LeaderLease {
  readonly #ledger: Ledger;
  readonly #holder: string;
  readonly #log: Logger;
  readonly #listeners: (() => void)[] = [];
  #epoch: string | undefined;
  #validUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #stopping = false;

  constructor(ledger: Ledger, holder: string, log: Logger) {
    this.#ledger = ledger;
    this.#holder = holder;
    this.#log = log;
  }

  /** Called each time this coordinator becomes the leader. */
  onElected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  isLeader(): boolean {
    return this.#epoch !== undefined && performance.now() < this.#validUntil;
  }

  async start(): Promise<void> {
    await this.#renew();
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = undefined;
      });
    }, RENEW_EVERY_MS);
  }

  /** Gives the lease back at once, so that another takes over without waiting for it to expire. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#renewing;
    if (this.#epoch === undefined) return;
    this.#epoch = undefined;
    await sql`UPDATE leases SET expires_at = now() - interval '1 second'
      WHERE name = ${LEASE} AND holder = ${this.#holder}`.execute(this.#ledger);
  }

  /**
   * The first statement of every transaction that only the leader may make: the lease cannot change hands until it ends.
   * Locks the jobs, too, in the order of their ids.
   * @param commit `lazy`: the transaction does not wait for the disk. If the database's machine dies within half a second,
   * it is as if the transaction had not been.
   * @throws NotLeaderError
   */
  async fence(
    trx: LedgerTransaction,
    jobIds: readonly string[],
    commit: 'durable' | 'lazy' = 'durable',
  ): Promise<void> {
    const { rows } = await sql<{ held: number; locked: number }>`/* prepared */
      WITH lease AS (
        SELECT 1 FROM leases WHERE name = ${LEASE} AND holder = ${this.#holder} AND epoch = ${this.#epoch ?? '-1'} FOR SHARE
      ), job AS (SELECT id FROM jobs WHERE id = ANY(${[...jobIds]}) ORDER BY id FOR NO KEY UPDATE)
      SELECT (SELECT count(*) FROM lease)::int AS held, (SELECT count(*) FROM job)::int AS locked,
        CASE WHEN ${commit}::text = 'lazy' THEN set_config('synchronous_commit', 'off', true) END`.execute(
      trx,
    );
    if (rows[0]?.held === 1) return;
    this.#lose();
    throw new NotLeaderError();
  }

  async #renew(): Promise<void> {
    const asked = performance.now();
    try {
      // A plain update waits for no lock while the lease is another's; the clock is read when it is granted.
      const { rows } = await sql<{ epoch: string }>`
        WITH taken AS (
          UPDATE leases SET holder = ${this.#holder}, epoch = epoch + CASE WHEN holder = ${this.#holder} THEN 0 ELSE 1 END,
            expires_at = clock_timestamp() + make_interval(secs => ${TTL_MS / 1_000})
          WHERE name = ${LEASE} AND (holder = ${this.#holder} OR expires_at < clock_timestamp())
          RETURNING epoch
        ), first AS (
          INSERT INTO leases (name, holder, epoch, expires_at)
          SELECT ${LEASE}, ${this.#holder}, 1, clock_timestamp() + make_interval(secs => ${TTL_MS / 1_000})
          WHERE NOT EXISTS (SELECT 1 FROM leases WHERE name = ${LEASE})
          ON CONFLICT DO NOTHING RETURNING epoch
        )
        SELECT epoch FROM taken UNION ALL SELECT epoch FROM first`.execute(this.#ledger);
      const epoch = rows[0]?.epoch;
      if (epoch === undefined) this.#lose();
      else if (!this.#stopping) this.#win(epoch, asked);
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, 'the lease could not be renewed');
    }
  }

  #win(epoch: string, asked: number): void {
    const elected = this.#epoch === undefined;
    this.#epoch = epoch;
    // Counted from before the question, so that the lease never seems longer here than it is there.
    this.#validUntil = asked + TTL_MS;
    if (!elected) return;
    this.#log.info({ epoch }, 'this coordinator feeds the farm');
    for (const listener of this.#listeners) listener();
  }

  #lose(): void {
    if (this.#epoch !== undefined) this.#log.warn('another coordinator feeds the farm');
    this.#epoch = undefined;
  }
}
