import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Delivery, DeliveryState, ResultFileEntry } from '../contracts/delivery-api.ts';
import type { DatabaseTime, NullableTime } from './schema.ts';

/** A bucket outside of the farm, and the key that opens it. */
export interface DeliveryTargetsTable {
  name: string;
  endpoint: string;
  region: string;
  bucket: string;
  prefix: string;
  access_key_id: string;
  /** Encrypted by the gateway. */
  secret: Buffer;
  allow_private: boolean;
  created_by: string;
  created_at: DatabaseTime;
}

/** A copy of a job's files that is made, or was. */
export interface DeliveriesTable {
  id: string;
  job_id: string;
  target: string;
  bucket: string;
  prefix: string;
  step: string | null;
  output: string | null;
  frames: string | null;
  pattern: string | null;
  state: Generated<DeliveryState>;
  files_total: number;
  bytes_total: string;
  files_done: Generated<number>;
  files_kept: Generated<number>;
  files_failed: Generated<number>;
  bytes_done: Generated<string>;
  failures: JSONColumnType<Delivery['failures'], string | undefined>;
  error: string | null;
  /** How many pages have been copied, and where the last one ended. */
  page: Generated<number>;
  place: ColumnType<[number, number] | null, string | null | undefined, string | null>;
  retries: Generated<number>;
  retry_at: NullableTime;
  /** The gateway that copies, as long as it says so. */
  holder: string | null;
  held_until: NullableTime;
  created_by: string;
  created_at: DatabaseTime;
  finished_at: NullableTime;
}

export interface DeliveryPagesTable {
  delivery_id: string;
  page: number;
  files: JSONColumnType<ResultFileEntry[]>;
}
