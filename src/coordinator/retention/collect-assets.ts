import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { MOST_KEYS, type Bucket, type ListedObject } from '../../shared/storage/bucket.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import { bytesOf, type Page } from './collect-results.ts';
import { hasJobsToNote, noteAssets } from './named-assets.ts';
import { readManifests } from './read-manifests.ts';
import { removeUnused, unusedObjects } from './remove-assets.ts';
import { readRetention } from './retention-days.ts';
import { nothingFound, type Walk } from './walks.ts';

const PREFIX = 'assets/sha256/';
const JOBS_A_SLICE = 500;
const MANIFESTS_A_SLICE = 20;
const DAY_MS = 86_400_000;

/** Assets that nothing points to and nobody has asked for lately, and then the files that no asset holds any more. */
export class AssetCollector {
  readonly #bucket: Bucket;
  readonly #lease: Pick<LeaderLease, 'isLeader'>;
  readonly #ledger: Ledger;
  /** Named somewhere, and not in the store. */
  readonly #missing = new Set<string>();
  #begun = false;

  constructor(parts: { bucket: Bucket; lease: Pick<LeaderLease, 'isLeader'> }, ledger: Ledger) {
    this.#bucket = parts.bucket;
    this.#lease = parts.lease;
    this.#ledger = ledger;
  }

  /**
   * What jobs name and what assets hold must be known before anything goes.
   * @returns whether all of it is; otherwise a slice of it was read.
   */
  async prepare({ cursor }: Walk): Promise<boolean> {
    if (cursor === null && !this.#begun) this.#missing.clear();
    this.#begun = true;
    await noteAssets(this.#ledger, JOBS_A_SLICE);
    const read = await readManifests(this.#bucket, this.#ledger, this.#missing, MANIFESTS_A_SLICE);
    return read === 0 && !(await hasJobsToNote(this.#ledger));
  }

  /** One page of the walk, after {@link prepare} said that all is known. */
  async page({ cursor }: Walk): Promise<Page> {
    const days = (await readRetention(this.#ledger))('assets');
    const found = nothingFound();
    if (cursor === null && days !== null) await this.#removeAssets(days);
    const objects = await this.#bucket.list(PREFIX, cursor);
    const garbage = await this.#garbage(objects, days ?? 30);
    Object.assign(found, {
      objects: objects.length,
      bytes: bytesOf(objects),
      garbageObjects: garbage.length,
      garbageBytes: bytesOf(garbage),
    });
    const { gone, failed } =
      days === null
        ? { gone: [], failed: [] }
        : await removeUnused(this.#bucket, this.#ledger, garbage.map(hashOf), { kind: 'objects', days });
    const removed = new Set(gone);
    const removedObjects = garbage.filter((object) => removed.has(hashOf(object)));
    Object.assign(found, {
      removedObjects: removedObjects.length,
      removedBytes: bytesOf(removedObjects),
      errors: failed.length,
    });
    const [first] = failed;
    this.#begun = objects.length === MOST_KEYS;
    return {
      last: objects.length < MOST_KEYS ? null : (objects.at(-1)?.key ?? null),
      found,
      error: first && `${first.key}: ${first.message}`,
    };
  }

  /** Their files follow when the walk comes to them. */
  async #removeAssets(days: number): Promise<void> {
    let after = '';
    while (this.#lease.isLeader()) {
      const { rows } = await sql<{ sha256: string }>`
        SELECT sha256 FROM assets WHERE sha256 > ${after} AND created_at < now() - make_interval(days => ${days})
        ORDER BY sha256 LIMIT ${MOST_KEYS}`.execute(this.#ledger);
      const hashes = rows.map(({ sha256 }) => sha256);
      await removeUnused(this.#bucket, this.#ledger, hashes, { kind: 'assets', days });
      const last = hashes.at(-1);
      if (last === undefined || hashes.length < MOST_KEYS) return;
      after = last;
    }
  }

  /** Written long ago, held by no asset, named by nothing, and not used lately. */
  async #garbage(objects: readonly ListedObject[], days: number): Promise<ListedObject[]> {
    const old = objects.filter(
      ({ key, writtenAt }) =>
        /^[0-9a-f]{64}$/.test(key.slice(PREFIX.length)) && Date.now() - writtenAt.getTime() >= days * DAY_MS,
    );
    const unused = new Set(await unusedObjects(this.#ledger, old.map(hashOf), days));
    return old.filter((object) => unused.has(hashOf(object)));
  }
}

const hashOf = ({ key }: ListedObject): string => key.slice(PREFIX.length);
