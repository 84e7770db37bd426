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
/** As kysely begins a transaction that asks for nothing special. */
const BEGIN = 'begin';
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
  /** A transaction's beginning that was sent and not yet answered. */
  #begun: Promise<unknown> | undefined;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    if (text === BEGIN) return this.#begin();
    const prepared = MARK.test(text);
    // Ends of transactions have no plan.
    if (parameters.length > 0) await this.#plan(prepared);
    const values = [...parameters];
    const query = prepared ? { name: nameOf(text), text, values } : { text, values };
    const begun = this.#begun;
    this.#begun = undefined;
    const [result] = await Promise.all([this.#client.query(query), begun]);
    if (result.command === 'ROLLBACK') this.#keyed = undefined;
    return result as unknown as PostgresQueryResult<R>;
  }

  /** Not waited for: it goes along with the transaction's first statement, which saves a way there and back. */
  #begin<R>(): PostgresQueryResult<R> {
    this.#begun = this.#client.query(BEGIN);
    // Whoever sends the first statement hears of it.
    this.#begun.catch(() => undefined);
    return { command: 'SELECT', rowCount: 0, rows: [] };
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
