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
 * Notes which assets jobs name that were not looked at yet. A job's document never changes, so once is enough, and it is
 * read before its row is locked: a long document keeps nobody waiting.
 * @returns how many jobs were looked at; fewer than `most`: no other is left, but for those that somebody holds right now.
 */
export async function noteAssets(ledger: Ledger | LedgerTransaction, most: number): Promise<number> {
  const jobs = await sql<{ id: string; template: string | null }>`
    SELECT id, substring(document::text FROM '"template:([A-Za-z0-9][A-Za-z0-9_-]*)') AS template
    FROM jobs WHERE NOT assets_noted ORDER BY submitted_at LIMIT ${most}`.execute(ledger);
  const ids = jobs.rows.map(({ id }) => id);
  if (ids.length === 0) return 0;
  const named = await namedBy(sql`j.id = ANY(${ids})`).execute(ledger);
  await sql`
    WITH free AS MATERIALIZED (
      SELECT id, erased_at IS NULL AS there FROM jobs WHERE id = ANY(${ids}) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    ), noted AS (
      INSERT INTO job_assets (job_id, asset)
      SELECT n.job_id, n.asset FROM unnest(
        ${named.rows.map((row) => row.job_id)}::text[], ${named.rows.map((row) => row.asset)}::text[]
      ) AS n(job_id, asset) JOIN free f ON f.id = n.job_id WHERE f.there ON CONFLICT DO NOTHING
    )
    UPDATE jobs j SET assets_noted = true, template = t.template
    FROM free f JOIN unnest(${ids}::text[], ${jobs.rows.map((row) => row.template)}::text[]) AS t(id, template) ON t.id = f.id
    WHERE j.id = f.id`.execute(ledger);
  return ids.length;
}

/** What a job names was asked for right before it was written, and what was asked for lately stays in any case. */
const JUST_SUBMITTED_MINUTES = 10;

/** Whether some job's assets are not noted yet, of those that were not submitted just now: then it is not known what is in use. */
export async function hasJobsToNote(ledger: Ledger | LedgerTransaction): Promise<boolean> {
  const row = await ledger
    .selectFrom('jobs')
    .select('id')
    .where('assets_noted', '=', false)
    .where('submitted_at', '<', sql<Date>`now() - make_interval(mins => ${JUST_SUBMITTED_MINUTES})`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
