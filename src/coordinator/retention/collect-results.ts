import type { Ledger } from '../../shared/database/connect.ts';
import type { Collected } from '../../shared/database/retention-tables.ts';
import { MOST_KEYS, type Bucket, type ListedObject } from '../../shared/storage/bucket.ts';
import { fatesOf } from './frame-objects.ts';
import { readRetention } from './retention-days.ts';
import { nothingFound, type Walk } from './walks.ts';

/** What one page of a walk came to. */
export interface Page {
  /** The last key; null when this was the last page. */
  last: string | null;
  found: Collected;
  error: string | undefined;
}

/**
 * Looks at one page of results, previews or logs, and removes what no frame can point to any more. What the ledger does not
 * know is left alone: it may be that the ledger is an older copy.
 */
export async function collectResults(bucket: Bucket, ledger: Ledger, { area, cursor }: Walk): Promise<Page> {
  const objects = await bucket.list(`${area}/`, cursor);
  const found = nothingFound();
  const days = (await readRetention(ledger))('attempts');
  const fates = await fatesOf(ledger, objects, days ?? 1);
  const garbage = objects.filter((_, index) => fates[index] === 'garbage');
  const unknown = objects.filter((_, index) => fates[index] === 'unknown');
  Object.assign(found, {
    objects: objects.length,
    bytes: bytesOf(objects),
    garbageObjects: garbage.length,
    garbageBytes: bytesOf(garbage),
    unknownObjects: unknown.length,
    unknownBytes: bytesOf(unknown),
  });
  const error = days === null ? undefined : await removeGarbage(bucket, ledger, garbage, days, found);
  return { last: objects.length < MOST_KEYS ? null : (objects.at(-1)?.key ?? null), found, error };
}

/** Looks once more, right before. @returns what went wrong with one of them */
async function removeGarbage(
  bucket: Bucket,
  ledger: Ledger,
  garbage: readonly ListedObject[],
  days: number,
  found: Collected,
): Promise<string | undefined> {
  const fates = await fatesOf(ledger, garbage, days);
  const still = garbage.filter((_, index) => fates[index] === 'garbage');
  return await removeObjects(bucket, still, found);
}

/** Counts in `found` what was removed. @returns what went wrong with one of them */
export async function removeObjects(
  bucket: Bucket,
  objects: readonly ListedObject[],
  found: Collected,
): Promise<string | undefined> {
  const failed = await bucket.remove(objects.map(({ key }) => key));
  const left = new Set(failed.map(({ key }) => key));
  const removed = objects.filter(({ key }) => !left.has(key));
  found.removedObjects += removed.length;
  found.removedBytes += bytesOf(removed);
  found.errors += failed.length;
  const [first] = failed;
  return first && `${first.key}: ${first.message}`;
}

export const bytesOf = (objects: readonly ListedObject[]): number =>
  objects.reduce((sum, { bytes }) => sum + bytes, 0);
