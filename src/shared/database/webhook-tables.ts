import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { EventType } from '../contracts/events.ts';
import type { DeliveryState, TryReport } from '../contracts/webhook-api.ts';
import type { DatabaseTime, NullableTime } from './schema.ts';

/** Written by gateways only. */
export interface WebhooksTable {
  id: string;
  url: string;
  events: EventType[];
  scope: 'farm' | 'project' | 'job' | 'named';
  /** The project's name or the job's id; empty for the other scopes. */
  scope_name: string;
  /** `whsec_…`, sealed: it is needed to sign, so that a hash would not do. */
  secret: Buffer;
  previous_secret: Buffer | null;
  previous_until: NullableTime;
  created_by: string;
  created_at: DatabaseTime;
  last_delivered_at: NullableTime;
  failing_since: NullableTime;
  last_error: string | null;
  /** Nothing is sent to it, and of what comes about meanwhile it hears nothing. */
  paused: Generated<boolean>;
}

/** What is or was told to webhooks. */
export interface WebhookEventsTable {
  /** The same for the same occurrence, however it was noticed. */
  id: string;
  type: string;
  job_id: string | null;
  /** Exactly what is sent. */
  body: string;
  created_at: DatabaseTime;
}

export interface WebhookDeliveriesTable {
  key: Generated<string>;
  webhook_id: string;
  event_id: string;
  state: Generated<DeliveryState>;
  /** Failed tries since it was made or asked for again. */
  failures: Generated<number>;
  /** When it is due; while a gateway tries it, when it would be due again if that gateway died. */
  next_at: ColumnType<Date, never, never>;
  /** The gateway's mark on a try that is under way. */
  claim: string | null;
  tries: JSONColumnType<TryReport[]>;
  created_at: DatabaseTime;
  ended_at: NullableTime;
}

/** One row: how far the stream of job statuses has been read for webhooks, and which gateway reads. */
export interface WebhookCursorTable {
  /** Always true. */
  only: Generated<boolean>;
  /** When the stream was made: a stream that was made anew counts from 1 again. */
  stream_created: string | null;
  /** Null: nothing was to be read, there was no webhook. */
  last_sequence: string | null;
  holder: string | null;
  leased_until: ColumnType<Date | null, never, never>;
  swept_at: DatabaseTime;
}

/** What was last heard of jobs with failed or held frames, to tell news from repetition. */
export interface WebhookMarksTable {
  job_id: string;
  held: boolean;
  failed_frames: number;
  held_frames: number;
  at: DatabaseTime;
}
