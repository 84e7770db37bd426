import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Ledger } from '../../src/shared/database/connect.ts';
import { PreparedPool } from '../../src/shared/database/prepared-pool.ts';
import type { Database } from '../../src/shared/database/schema.ts';
import type { TestContext } from './farm-context.ts';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Temp Written Blocks'?: number;
  Plans?: PlanNode[];
}

/** A statement as Postgres carried it out. */
export class Explained {
  readonly text: string;
  readonly #root: PlanNode;

  constructor(message: string) {
    const { 'Query Text': text, Plan: root } = JSON.parse(message.slice(message.indexOf('{'))) as {
      'Query Text': string;
      Plan: PlanNode;
    };
    this.text = text;
    this.#root = root;
  }

  /** Of each part of the plan that reads the table: how, and through which index. */
  reads(table: string): string[] {
    return this.#of(table).map((node) =>
      node['Index Name'] === undefined ? node['Node Type'] : `${node['Node Type']} ${node['Index Name']}`,
    );
  }

  /** Rows of the table that were looked at, those included that a condition threw away. */
  rowsRead(table: string): number {
    return this.#of(table).reduce((sum, node) => {
      const each =
        node['Actual Rows'] +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0);
      return sum + each * node['Actual Loops'];
    }, 0);
  }

  /** What did not fit into its working memory, in blocks of 8 KiB. */
  get blocksOnDisk(): number {
    return this.#root['Temp Written Blocks'] ?? 0;
  }

  #of(table: string): PlanNode[] {
    const nodes: PlanNode[] = [];
    for (const open = [this.#root]; open.length > 0;) {
      const node = open.pop()!;
      if (node['Relation Name'] === table && node['Node Type'] !== 'ModifyTable') nodes.push(node);
      open.push(...(node.Plans ?? []));
    }
    return nodes;
  }
}

export interface ExplainedLedger {
  ledger: Ledger;
  /** What was carried out since the last call, in order, with the plans that Postgres really used. */
  take: () => Explained[];
  dispose: () => Promise<void>;
}

/**
 * The ledger through connections of its own of which every statement is explained, with the planner's settings as a farm has
 * them. Tables are not analysed meanwhile: a fresh farm has no statistics.
 */
export async function explainedLedger(context: TestContext): Promise<ExplainedLedger> {
  const statements: Explained[] = [];
  const pool = new pg.Pool({
    connectionString: context.databaseUrl,
    max: 1,
    options: [
      'session_preload_libraries=auto_explain',
      'auto_explain.log_min_duration=0',
      'auto_explain.log_analyze=on',
      'auto_explain.log_timing=off',
      'auto_explain.log_buffers=on',
      'auto_explain.log_format=json',
      'auto_explain.log_level=notice',
    ]
      .map((setting) => `-c ${setting}`)
      .join(' '),
  });
  pool.on('connect', (client) => {
    client.on('notice', ({ message = '' }) => {
      if (/^duration: .* plan:/.test(message)) statements.push(new Explained(message));
    });
  });
  const ledger = new Kysely<Database>({ dialect: new PostgresDialect({ pool: new PreparedPool(pool) }) });
  for (const table of ['frames', 'steps', 'jobs', 'step_dependencies'])
    await pool.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
  return {
    ledger,
    take: () => statements.splice(0),
    dispose: () => ledger.destroy(),
  };
}
