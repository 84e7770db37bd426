import type { ColumnType, Generated } from 'kysely';
import type { PreviewKind } from '../contracts/messages.ts';

/**
 * Pictures of whole steps. The gateway makes the row and says when somebody looked; coordinators fill in who makes it and what
 * came of it.
 */
export interface PreviewsTable {
  job_id: string;
  step: string;
  kind: PreviewKind;
  /** When somebody last asked for it. */
  wanted_at: ColumnType<Date, never, never>;
  /** The order under way, the worker that has it, and what the step was like when it was given. */
  order_id: string | null;
  worker: string | null;
  ordered_at: ColumnType<Date | null, never, null>;
  /** When the worker said that it is at it. */
  begun_at: ColumnType<Date | null, never, null>;
  ordered_mark: string | null;
  /** The object, and the one before, which somebody may still be watching. */
  object_key: string | null;
  previous_key: string | null;
  bytes: string | null;
  /** Frames whose pictures are in it. */
  frames: Generated<number>;
  /** What the step was like when it was made. */
  made_mark: string | null;
  made_at: ColumnType<Date | null, never, never>;
  /** In a row, and the last one's reason. */
  failures: Generated<number>;
  error: string | null;
}
