import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { BatchDocument, BatchState, RefusedRow } from '../contracts/batch.ts';

/** Many rows for one template. Each good row is a job `<id>-<row>` with the label `batch`. */
export interface BatchesTable {
  id: string;
  name: string;
  owner: string;
  project: string;
  idempotency_key: string | null;
  /** As it was sent. */
  document: JSONColumnType<BatchDocument>;
  document_sha256: string;
  template: string;
  /** Decided when the batch was taken: all of its rows use the same. */
  template_version: number;
  state: BatchState;
  error: string | null;
  cancelled_by: string | null;
  /** The cursor: bytes, lines and rows of the file that have been read. */
  position: Generated<string>;
  lines: Generated<number>;
  rows_read: Generated<number>;
  /** Null until the file has been read to its end. */
  rows_total: number | null;
  accepted: Generated<number>;
  refused: Generated<number>;
  /** Who works on it; while it holds, nobody else does. */
  lease: string | null;
  leased_until: ColumnType<Date | null, never, never>;
  created_at: ColumnType<Date, never, never>;
  updated_at: ColumnType<Date, never, never>;
}

/** Rows that became no job. */
export interface BatchRefusedRowsTable {
  batch_id: string;
  row: number;
  line: number;
  errors: JSONColumnType<RefusedRow['errors']>;
}
