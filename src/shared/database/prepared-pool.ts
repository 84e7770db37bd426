import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';

/**
 * With which a statement begins that is parsed and planned once a connection: planning it takes longer than carrying it
 * out. Its text must always be the same (lists are arrays in one parameter), and it must find its rows by keys or partial
 * indexes whose conditions stand in the text: the one plan is made without knowing parameters or statistics.
 */
const MARK = /^(select )?\/\* prepared \*\//;
/** Plans by keys only, also where a table is still small when the plan is made. */
const KEYED = 'SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off';
const USUAL = 'RESET plan_cache_mode; RESET enable_seqscan; RESET jit';

/** By statement: its name, the same on every connection. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `farmhand_${names.size}`;
    names.set(text, name);
  }
  return name;
}

/** A pool for kysely whose connections keep the plans of marked statements. */
export class PreparedPool implements PostgresPool {
  readonly options: object;
  readonly #pool: pg.Pool;
  readonly #clients = new WeakMap<pg.PoolClient, PreparedClient>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.options = pool.options;
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#pool.connect();
    const known = this.#clients.get(client) ?? new PreparedClient(client);
    this.#clients.set(client, known);
    return known as unknown as PostgresPoolClient; // it has no cursors: none is configured
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

class PreparedClient {
  readonly #client: pg.PoolClient;
  /** What the session is set to; undefined: a transaction was rolled back, and with it what was set. */
  #keyed: boolean | undefined = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    const prepared = MARK.test(text);
    // Beginnings and ends of transactions have no plan.
    if (parameters.length > 0) await this.#plan(prepared);
    const values = [...parameters];
    const query = prepared ? { name: nameOf(text), text, values } : { text, values };
    const result = await this.#client.query(query);
    if (result.command === 'ROLLBACK') this.#keyed = undefined;
    return result as unknown as PostgresQueryResult<R>;
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy);
  }

  async #plan(keyed: boolean): Promise<void> {
    if (this.#keyed === keyed) return;
    this.#keyed = undefined;
    await this.#client.query(keyed ? KEYED : USUAL);
    this.#keyed = keyed;
  }
}
