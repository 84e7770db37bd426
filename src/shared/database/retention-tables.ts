import type { Generated, JSONColumnType } from 'kysely';
import type { RetentionSubject } from '../contracts/retention.ts';
import type { DatabaseTime, NullableTime } from './schema.ts';

/** For how long something is kept. */
export interface RetentionTable {
  what: RetentionSubject;
  /** Empty: of the whole farm. */
  project: Generated<string>;
  /** null: for ever. */
  days: number | null;
}

/** Assets that a job names, and whatever else in it looks like the hash of one: too many do no harm. */
export interface JobAssetsTable {
  job_id: string;
  asset: string;
}

/** Assets whose manifests were read for {@link AssetObjectsTable}. */
export interface AssetManifestsTable {
  asset: string;
  read_at: DatabaseTime;
}

/** The objects that hold an asset's files. */
export interface AssetObjectsTable {
  /** SHA-256 of a file or a pack. */
  object: string;
  asset: string;
}

/** When an object under `assets/` was uploaded or asked for last; nothing for those that nobody asked for since there is this table. */
export interface AssetUsesTable {
  sha256: string;
  used_at: DatabaseTime;
  /** It is being removed until then at the latest: nobody is told that it is there. */
  removing_until: NullableTime;
}

/** What a walk over one part of the bucket found. */
export interface Collected {
  objects: number;
  bytes: number;
  /** Nobody can reach them. */
  garbageObjects: number;
  garbageBytes: number;
  removedObjects: number;
  removedBytes: number;
  /** Objects whose keys are not the farm's, or whose jobs the ledger does not know: they are left alone. */
  unknownObjects: number;
  unknownBytes: number;
  /** Objects that could not be removed; the next walk tries again. */
  errors: number;
}

/** Walks over the bucket, by what they look at. */
export interface CollectionsTable {
  area: string;
  /** The last key that was looked at. */
  cursor: string | null;
  started_at: NullableTime;
  finished_at: NullableTime;
  /** So far, and of the last whole walk. */
  found: JSONColumnType<Partial<Collected>>;
  last: JSONColumnType<Partial<Collected>>;
  error: string | null;
}
