import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Collected } from '../../shared/database/retention-tables.ts';

/** Parts of the bucket that are walked, each by itself. */
export const AREAS = ['results', 'previews', 'logs', 'assets'] as const;
export type Area = (typeof AREAS)[number];

export interface Walk {
  area: Area;
  /** The last key that was looked at; null at the beginning. */
  cursor: string | null;
}

/**
 * The walk that is under way or due, if there is one.
 * @param everySeconds from the end of one to the beginning of the next
 * @param notNow an area that cannot be walked yet
 */
export async function nextWalk(
  ledger: Ledger,
  everySeconds: number,
  notNow: Area | null = null,
): Promise<Walk | undefined> {
  await sql`INSERT INTO collections (area) SELECT unnest(${[...AREAS]}::text[]) ON CONFLICT DO NOTHING`.execute(
    ledger,
  );
  const { rows } = await sql<Walk>`
    SELECT area, cursor FROM collections
    WHERE area IS DISTINCT FROM ${notNow}
      AND (cursor IS NOT NULL OR finished_at IS NULL OR finished_at < now() - make_interval(secs => ${everySeconds}))
    ORDER BY cursor IS NULL, finished_at NULLS FIRST, area LIMIT 1`.execute(ledger);
  return rows[0];
}

/** Adds what a page held and moves the cursor behind it; with the last page the walk has ended. */
export async function endPage(
  ledger: Ledger,
  walk: Walk,
  page: { last: string | null; found: Collected; error: string | undefined },
): Promise<void> {
  const { rows } = await sql<{ found: Partial<Collected> }>`
    SELECT found FROM collections WHERE area = ${walk.area}`.execute(ledger);
  const before = walk.cursor === null ? {} : (rows[0]?.found ?? {});
  const found = JSON.stringify(sumOf(before, page.found));
  const over = page.last === null;
  await sql`UPDATE collections SET cursor = ${page.last}, found = ${over ? '{}' : found}::jsonb,
      started_at = CASE WHEN ${walk.cursor === null} THEN now() ELSE started_at END,
      error = CASE WHEN ${walk.cursor === null} THEN ${page.error ?? null} ELSE COALESCE(${page.error ?? null}, error) END,
      last = CASE WHEN ${over} THEN ${found}::jsonb ELSE last END,
      finished_at = CASE WHEN ${over} THEN now() ELSE finished_at END
    WHERE area = ${walk.area}`.execute(ledger);
}

export const nothingFound = (): Collected => ({
  objects: 0,
  bytes: 0,
  garbageObjects: 0,
  garbageBytes: 0,
  removedObjects: 0,
  removedBytes: 0,
  unknownObjects: 0,
  unknownBytes: 0,
  errors: 0,
});

function sumOf(before: Partial<Collected>, page: Collected): Collected {
  const sum = nothingFound();
  for (const key of Object.keys(sum) as (keyof Collected)[]) sum[key] = (before[key] ?? 0) + page[key];
  return sum;
}
