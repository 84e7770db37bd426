import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { DetectedEngine, FailureClass, Heartbeat, WorkerPause } from '../contracts/messages.ts';
import type { DatabaseTime, NullableTime, TaskOutcome } from './schema.ts';

export interface WorkersTable {
  id: string;
  instance: string;
  host: string;
  group_id: string;
  slots: number;
  engines: JSONColumnType<DetectedEngine[]>;
  /** `online`, or `lost` when its heartbeats stopped, or `offline` after it said goodbye. */
  state: 'online' | 'lost' | 'offline';
  heartbeat: JSONColumnType<Heartbeat>;
  /** Kept away from work by a person or for its failures. */
  pause: ColumnType<WorkerPause | null, string | null, string | null>;
  timetable: string | null;
  first_seen_at: DatabaseTime;
  seen_at: DatabaseTime;
}

export interface LanesTable {
  id: string;
  group_id: string;
  /** Slots that a task of this lane takes. */
  slots: number;
  engines: JSONColumnType<DetectedEngine[]>;
  created_at: DatabaseTime;
}

export interface LeasesTable {
  name: string;
  holder: string;
  /** Raised at each change of holder; writes of an older epoch are refused. */
  epoch: string;
  expires_at: ColumnType<Date, never, never>;
}

export interface AttemptsTable {
  id: string;
  task_key: string;
  job_id: string;
  worker: string;
  instance: string;
  outcome: TaskOutcome | null;
  class: FailureClass | null;
  error: string | null;
  /** Names what it failed with, without what differs from frame to frame; null in rows of older versions. */
  fingerprint: string | null;
  /** The frame that failed, where that is known. */
  frame: number | null;
  frames_done: Generated<number>;
  /** What the engine was run by: `<id>@<version>` of the farm's store, or `<id>@<digest>` of the worker's own. */
  definition: string | null;
  log_key: string | null;
  started_at: DatabaseTime;
  ended_at: NullableTime;
}
