import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Bucket, NotRemoved } from '../../shared/storage/bucket.ts';
import { assetKey, verifiedKey } from '../../shared/storage/keys.ts';
import { filesOfBatches, filesOfTemplates } from './named-assets.ts';

/** Longer than a removal can take: a coordinator that dies in the middle of one keeps others waiting for so long. */
const REMOVING_SECONDS = 300;
/** After so long nothing more is removed by a claim: with the time that one call may take, it still holds. */
const REMOVE_WITHIN_MS = 150_000;

/** Of these hashes, those that nothing in the ledger names and no registered asset holds. */
async function unnamed(
  ledger: Ledger,
  hashes: readonly string[],
  kind: 'assets' | 'objects',
): Promise<string[]> {
  const isHeld = sql`EXISTS (SELECT 1 FROM asset_objects o WHERE o.object = h.sha256)
    OR EXISTS (SELECT 1 FROM assets a WHERE a.sha256 = h.sha256)`;
  const { rows } = await sql<{ sha256: string }>`
    SELECT sha256 FROM unnest(${[...hashes]}::text[]) AS h(sha256)
    WHERE NOT EXISTS (SELECT 1 FROM job_assets j WHERE j.asset = h.sha256)
      AND sha256 NOT IN (${filesOfTemplates}) AND sha256 NOT IN (${filesOfBatches})
      ${kind === 'objects' ? sql`AND NOT (${isHeld})` : sql``}`.execute(ledger);
  return rows.map((row) => row.sha256);
}

/**
 * Removes objects under `assets/` that nothing names and nobody has used for some days. Whoever asks for one of them from
 * now on hears that it is not there, once it is gone; whoever asked before keeps it.
 * @param kind `assets`: manifests of registered assets; `objects`: what no registered asset holds
 * @returns what could not be removed, and those that are gone
 */
export async function removeUnused(
  bucket: Bucket,
  ledger: Ledger,
  hashes: readonly string[],
  { kind, days }: { kind: 'assets' | 'objects'; days: number },
): Promise<{ gone: string[]; failed: NotRemoved[] }> {
  const candidates = await unnamed(ledger, hashes, kind);
  if (candidates.length === 0) return { gone: [], failed: [] };
  const until = Date.now() + REMOVE_WITHIN_MS;
  const claimed = await claim(ledger, candidates, days);
  // From here on nobody new relies on them: what names them now has asked for them before, and is seen.
  const still = new Set(await unnamed(ledger, claimed, kind));
  const going = claimed.filter((hash) => still.has(hash));
  const failed = await removeKeys(bucket, going, until);
  const left = new Set(failed.map(({ key }) => key));
  const gone = going.filter((hash) => !left.has(assetKey(hash)) && !left.has(verifiedKey(hash)));
  await ledger.transaction().execute(async (trx) => {
    // A process that stood still in the meantime may find that somebody has stored them again.
    const { rows: held } = await sql`SELECT 1 FROM asset_uses
      WHERE sha256 = ANY(${gone}) AND removing_until > now() ORDER BY sha256 FOR UPDATE`.execute(trx);
    if (held.length < gone.length) throw new Error('Removing assets took longer than they were held for it.');
    if (kind === 'assets') {
      await sql`DELETE FROM assets WHERE sha256 = ANY(${gone})`.execute(trx);
      await sql`DELETE FROM asset_manifests WHERE asset = ANY(${gone})`.execute(trx);
    }
    await sql`DELETE FROM asset_uses WHERE sha256 = ANY(${gone})`.execute(trx);
    await sql`UPDATE asset_uses SET removing_until = NULL WHERE sha256 = ANY(${claimed})`.execute(trx);
  });
  return { gone, failed };
}

/** Those that nobody has used lately are being removed from now on. */
async function claim(ledger: Ledger, hashes: readonly string[], days: number): Promise<string[]> {
  const { rows } = await sql<{ sha256: string }>`
    INSERT INTO asset_uses (sha256, used_at, removing_until)
    SELECT unnest(${hashes.toSorted()}::text[]), to_timestamp(0), now() + make_interval(secs => ${REMOVING_SECONDS})
    ON CONFLICT (sha256) DO UPDATE SET removing_until = excluded.removing_until
      WHERE asset_uses.used_at < now() - make_interval(days => ${days})
    RETURNING sha256`.execute(ledger);
  return rows.map((row) => row.sha256);
}

/** The word that an object was verified goes first: alone, it would count for the next object of this name. */
async function removeKeys(bucket: Bucket, hashes: readonly string[], until: number): Promise<NotRemoved[]> {
  assertInTime(until);
  const words = await bucket.remove(hashes.map(verifiedKey));
  const stay = new Set(words.map(({ key }) => key));
  assertInTime(until);
  const objects = await bucket.remove(hashes.filter((hash) => !stay.has(verifiedKey(hash))).map(assetKey));
  return [...words, ...objects];
}

function assertInTime(until: number): void {
  if (Date.now() > until) throw new Error('Assets were not removed: this process stood still for too long.');
}

/** Of these hashes, those that could be removed now: nothing names or holds them, and nobody has used them for some days. */
export async function unusedObjects(
  ledger: Ledger,
  hashes: readonly string[],
  days: number,
): Promise<string[]> {
  const free = await unnamed(ledger, hashes, 'objects');
  const { rows } = await sql<{ sha256: string }>`
    SELECT sha256 FROM asset_uses
    WHERE sha256 = ANY(${free}) AND used_at >= now() - make_interval(days => ${days})`.execute(ledger);
  const used = new Set(rows.map((row) => row.sha256));
  return free.filter((hash) => !used.has(hash));
}
