import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Ledger } from './connect.ts';

/** What was used so lately need not be noted again: rules count in days. */
const NOTED_FOR_SECONDS = 3_600;
const AT_ONCE = 5_000;
const LOOK_AGAIN_MS = 200;

/**
 * Notes that somebody relies on objects under `assets/`, before it is looked whether they are there: from then on nobody
 * removes them for a day at least. What is being removed at this moment cannot be held back any more; that is waited for,
 * and afterwards it is missing.
 * @param waitMs how long to wait
 * @returns those that are still being removed
 */
export async function useAssets(
  ledger: Ledger,
  hashes: readonly string[],
  waitMs: number,
): Promise<Set<string>> {
  const until = performance.now() + waitMs;
  let removing = [...new Set(hashes)];
  for (;;) {
    const still: string[] = [];
    for (let from = 0; from < removing.length; from += AT_ONCE)
      still.push(...(await noteUse(ledger, removing.slice(from, from + AT_ONCE))));
    removing = still;
    if (removing.length === 0 || performance.now() >= until) return new Set(removing);
    await pause(LOOK_AGAIN_MS);
  }
}

/** In the order of the hashes, so that two that note the same do not wait for each other. */
async function noteUse(ledger: Ledger, hashes: readonly string[]): Promise<string[]> {
  const known = await sql<{ sha256: string; lately: boolean; removing: boolean }>`
    SELECT sha256, used_at > now() - make_interval(secs => ${NOTED_FOR_SECONDS}) AS lately,
      COALESCE(removing_until > now(), false) AS removing
    FROM asset_uses WHERE sha256 = ANY(${[...hashes]})`.execute(ledger);
  const settled = new Set(known.rows.filter((row) => row.lately && !row.removing).map((row) => row.sha256));
  const unknown = hashes.filter((hash) => !settled.has(hash));
  if (unknown.length === 0) return [];
  const { rows } = await sql<{ sha256: string }>`
    INSERT INTO asset_uses (sha256) SELECT unnest(${unknown.toSorted()}::text[])
    ON CONFLICT (sha256) DO UPDATE SET used_at = now(), removing_until = NULL
      WHERE asset_uses.removing_until IS NULL OR asset_uses.removing_until <= now()
    RETURNING sha256`.execute(ledger);
  const noted = new Set(rows.map((row) => row.sha256));
  return unknown.filter((hash) => !noted.has(hash));
}
