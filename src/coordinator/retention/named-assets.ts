import { sql, type RawBuilder } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/**
 * Whatever looks like the name of an asset in a text of the ledger. References stand behind a colon or a quotation mark, so
 * that the 64 digits are found where they begin. What is found too much is kept too long, and that does no harm.
 */
const hashesIn = (text: RawBuilder<unknown>): RawBuilder<{ asset: string }> =>
  sql<{ asset: string }>`(regexp_matches(${text}, '[0-9a-f]{64}', 'g'))[1]`;

/** `(job_id, asset)` of the jobs `j` that a condition finds: scenes, sounds, and what their documents name. */
export function namedBy(condition: RawBuilder<unknown>): RawBuilder<{ job_id: string; asset: string }> {
  return sql<{ job_id: string; asset: string }>`
    SELECT DISTINCT job_id, asset FROM (
      SELECT j.id AS job_id, ${hashesIn(sql`j.document::text`)} AS asset FROM jobs j WHERE ${condition}
      UNION ALL
      SELECT j.id, ${hashesIn(sql`s.spec::text`)} FROM jobs j JOIN steps s ON s.job_id = j.id WHERE ${condition}
    ) named`;
}

/** Assets that templates name, in every version that is there. */
export const filesOfTemplates = sql<{ asset: string }>`
  SELECT asset FROM templates UNION SELECT ${hashesIn(sql`defaults::text`)} FROM templates`;

/** Assets that batches name: their rows, and files in their settings. */
export const filesOfBatches = sql<{ asset: string }>`SELECT ${hashesIn(sql`document::text`)} FROM batches`;

/**
 * Notes which assets jobs name that were not looked at yet. A job's document never changes, so once is enough.
 * @returns how many jobs were looked at; fewer than `most`: no other is left, but for those that somebody holds right now.
 */
export async function noteAssets(ledger: Ledger | LedgerTransaction, most: number): Promise<number> {
  const { rows } = await sql<{ jobs: number }>`
    WITH chosen AS MATERIALIZED (
      SELECT id FROM jobs WHERE NOT assets_noted ORDER BY submitted_at LIMIT ${most} FOR NO KEY UPDATE SKIP LOCKED
    ), named AS (${namedBy(sql`j.id IN (SELECT id FROM chosen)`)}),
    noted AS (INSERT INTO job_assets (job_id, asset) SELECT job_id, asset FROM named ON CONFLICT DO NOTHING),
    told AS (
      UPDATE jobs j SET assets_noted = true,
        template = substring(j.document::text FROM '"template:([A-Za-z0-9][A-Za-z0-9_-]*)')
      FROM chosen c WHERE j.id = c.id RETURNING 1
    )
    SELECT count(*)::int AS jobs FROM told`.execute(ledger);
  return rows[0]?.jobs ?? 0;
}

/** Whether some job's assets are not noted yet: then it is not known what is in use. */
export async function hasJobsToNote(ledger: Ledger | LedgerTransaction): Promise<boolean> {
  const row = await ledger
    .selectFrom('jobs')
    .select('id')
    .where('assets_noted', '=', false)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
