import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import { PreparedPool } from './prepared-pool.ts';
import type { Database } from './schema.ts';

export type Ledger = Kysely<Database>;

/**
 * A pool that outlives Postgres being away: a broken idle connection is logged and replaced at the next query.
 * 8-byte integers come as strings; frame counts and keys are converted where they are used.
 */
export function connectLedger(url: string, log: Logger, maxConnections = 8): Ledger {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // A transaction's beginning is sent with its first statement (prepared-pool.ts).
    pipeline: true,
    // Plans are kept with connections: none is older than this, however the tables have grown.
    maxLifetimeSeconds: 300,
    // A process that is frozen in a transaction holds its locks until the database ends it: then others go on.
    idle_in_transaction_session_timeout: 2_000,
    application_name: 'farmhand',
  });
  pool.on('error', (error) => log.warn({ error: error.message }, 'an idle ledger connection broke'));
  // While a connection is in use the pool does not listen to it: without this listener, one that breaks under a query
  // would end the process. The query itself fails, too, and whoever asked decides.
  pool.on('connect', (client) => {
    client.on('error', (error) => log.debug({ error: error.message }, 'a ledger connection broke'));
  });
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool: new PreparedPool(pool) }) });
}
