import { sql } from 'kysely';
import {
  MAX_MANIFEST_BYTES,
  assetManifestSchema,
  objectsOf,
  type AssetManifest,
} from '../../shared/contracts/manifest.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import { filesOfBatches, filesOfTemplates } from './named-assets.ts';

const OBJECTS_AT_ONCE = 5_000;

/**
 * Notes which objects hold the files of assets: of those that are registered, and of all that jobs, templates and batches
 * name. Each is read once; what is at a hash never changes.
 * @param missing hashes at which nothing was; asked for again in the next walk only
 * @returns how many were read; 0: all are known, and what no asset holds is held by none
 */
export async function readManifests(
  bucket: Bucket,
  ledger: Ledger,
  missing: Set<string>,
  most: number,
): Promise<number> {
  const unread = await unreadAssets(ledger, missing, most);
  for (const asset of unread) {
    const bytes = await bucket.read(assetKey(asset), MAX_MANIFEST_BYTES);
    if (bytes === 'missing') missing.add(asset);
    else await note(ledger, asset, bytes === 'too-large' ? undefined : manifestIn(bytes));
  }
  return unread.length;
}

const SOURCES = [
  sql<{ asset: string }>`SELECT sha256 AS asset FROM assets`,
  sql<{ asset: string }>`SELECT asset FROM job_assets`,
  filesOfTemplates,
  filesOfBatches,
];

/** From one source after the other: all of them together would be read whole for a few. */
async function unreadAssets(ledger: Ledger, missing: ReadonlySet<string>, most: number): Promise<string[]> {
  for (const source of SOURCES) {
    const { rows } = await sql<{ asset: string }>`
      SELECT named.asset FROM (${source}) AS named(asset)
      WHERE NOT EXISTS (SELECT 1 FROM asset_manifests m WHERE m.asset = named.asset) AND named.asset <> ALL(${[...missing]})
      LIMIT ${most}`.execute(ledger);
    if (rows.length > 0) return [...new Set(rows.map(({ asset }) => asset))];
  }
  return [];
}

/** A hash may also be that of a file, which is no manifest. */
function manifestIn(bytes: Buffer): AssetManifest | undefined {
  try {
    return assetManifestSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined; // no JSON: a file, whose own hash is noted all the same
  }
}

async function note(ledger: Ledger, asset: string, manifest: AssetManifest | undefined): Promise<void> {
  const objects = manifest === undefined ? [] : objectsOf(manifest).map(({ sha256 }) => sha256);
  await ledger.transaction().execute(async (trx) => {
    await sql`INSERT INTO asset_manifests (asset) VALUES (${asset}) ON CONFLICT DO NOTHING`.execute(trx);
    for (let from = 0; from < objects.length; from += OBJECTS_AT_ONCE)
      await sql`INSERT INTO asset_objects (object, asset)
        SELECT unnest(${objects.slice(from, from + OBJECTS_AT_ONCE)}::text[]), ${asset} ON CONFLICT DO NOTHING`.execute(
        trx,
      );
  });
}
