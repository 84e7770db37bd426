import { sql } from 'kysely';
import type { EventType } from '../../shared/contracts/events.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { LedgerTransaction } from './record-events.ts';

interface TargetRow {
  id: string;
  events: EventType[];
  scope: 'farm' | 'project' | 'job' | 'named';
  scope_name: string;
  created_at: Date;
}

/** Who is to be told what: read once for a batch of events. */
export class WebhookTargets {
  readonly #rows: readonly TargetRow[];
  /** Webhooks that the documents of jobs name, by job. */
  readonly #named: ReadonlyMap<string, readonly string[]>;

  private constructor(rows: readonly TargetRow[], named: ReadonlyMap<string, readonly string[]>) {
    this.#rows = rows;
    this.#named = named;
  }

  static async read(trx: LedgerTransaction, jobIds: readonly string[]): Promise<WebhookTargets> {
    const rows = await trx
      .selectFrom('webhooks')
      .select(['id', 'events', 'scope', 'scope_name', 'created_at'])
      .where('paused', '=', false)
      .execute();
    const named = rows.some((row) => row.scope === 'named') ? await namedBy(trx, jobIds) : new Map();
    return new WebhookTargets(rows, named);
  }

  /** @returns ids of the webhooks that hear of it. Of what came about before a webhook was made, or while it was paused, it hears nothing. */
  of(type: EventType, at: Date, job: JobSummary): string[] {
    return this.#rows
      .filter((row) => row.events.includes(type) && row.created_at <= at && this.#hears(row, job))
      .map((row) => row.id);
  }

  #hears(row: TargetRow, job: JobSummary): boolean {
    if (row.scope === 'project') return job.project === row.scope_name;
    if (row.scope === 'job') return job.id === row.scope_name;
    return row.scope === 'farm' || (this.#named.get(job.id)?.includes(row.id) ?? false);
  }
}

async function namedBy(
  trx: LedgerTransaction,
  jobIds: readonly string[],
): Promise<Map<string, readonly string[]>> {
  const { rows } = await sql<{ id: string; names: string[] }>`
    SELECT id, document->'webhooks' AS names FROM jobs
    WHERE id = ANY(${[...new Set(jobIds)]}::text[]) AND document ? 'webhooks'`.execute(trx);
  return new Map(rows.map(({ id, names }) => [id, names]));
}
