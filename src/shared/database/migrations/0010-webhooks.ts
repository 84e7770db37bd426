import { sql, type Kysely } from 'kysely';

/** Webhooks, what they are told, and how far the stream of job statuses has been read for them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE webhooks (
    id text PRIMARY KEY,
    url text NOT NULL,
    events text[] NOT NULL,
    scope text NOT NULL CHECK (scope IN ('farm', 'project', 'job', 'named')),
    scope_name text NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_until timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_delivered_at timestamptz,
    failing_since timestamptz,
    last_error text
  )`.execute(db);
  await sql`CREATE TABLE webhook_events (
    id text PRIMARY KEY,
    type text NOT NULL,
    job_id text,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  await sql`CREATE INDEX webhook_events_age ON webhook_events (created_at)`.execute(db);
  await sql`CREATE TABLE webhook_deliveries (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id text NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_id text NOT NULL REFERENCES webhook_events ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    failures integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    claim text,
    tries jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    UNIQUE (webhook_id, event_id)
  )`.execute(db);
  await sql`CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at) WHERE state = 'pending'`.execute(
    db,
  );
  await sql`CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (webhook_id) WHERE state = 'failed'`.execute(
    db,
  );
  await sql`CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, key DESC)`.execute(db);
  await sql`CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event_id)`.execute(db);
  await sql`CREATE TABLE webhook_cursor (
    "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"),
    stream_created text,
    last_sequence bigint,
    holder text,
    leased_until timestamptz,
    swept_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  await sql`INSERT INTO webhook_cursor DEFAULT VALUES`.execute(db);
  await sql`CREATE TABLE webhook_marks (
    job_id text PRIMARY KEY,
    held boolean NOT NULL,
    failed_frames integer NOT NULL,
    held_frames integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  // Jobs that ended or were delivered since the last look, in case that was never announced.
  await sql`CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL`.execute(db);
  await sql`CREATE INDEX jobs_delivered ON jobs (delivered_at) WHERE delivered_at IS NOT NULL`.execute(db);
}
