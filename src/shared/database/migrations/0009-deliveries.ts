import { sql, type Kysely } from 'kysely';

/** Places outside of the farm, and copies of results that are made there. Written by gateways. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE delivery_targets (
    name text PRIMARY KEY,
    endpoint text NOT NULL,
    region text NOT NULL,
    bucket text NOT NULL,
    prefix text NOT NULL,
    access_key_id text NOT NULL,
    secret bytea NOT NULL,
    allow_private boolean NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  // The target is named, not referred to: what was delivered is still to be read when the target is gone.
  await sql`CREATE TABLE deliveries (
    id text PRIMARY KEY,
    job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    target text NOT NULL,
    bucket text NOT NULL,
    prefix text NOT NULL,
    step text,
    output text,
    frames text,
    pattern text,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    files_total integer NOT NULL,
    bytes_total bigint NOT NULL,
    files_done integer NOT NULL DEFAULT 0,
    files_kept integer NOT NULL DEFAULT 0,
    files_failed integer NOT NULL DEFAULT 0,
    bytes_done bigint NOT NULL DEFAULT 0,
    failures jsonb NOT NULL DEFAULT '[]',
    error text,
    page integer NOT NULL DEFAULT 0,
    place jsonb,
    retries integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    holder text,
    held_until timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
  )`.execute(db);
  await sql`CREATE INDEX deliveries_job ON deliveries (job_id, created_at)`.execute(db);
  await sql`CREATE INDEX deliveries_open ON deliveries (created_at) WHERE state IN ('queued', 'running')`.execute(
    db,
  );
  // What was copied, until it stands in the manifest beside the files.
  await sql`CREATE TABLE delivery_pages (
    delivery_id text NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    page integer NOT NULL,
    files jsonb NOT NULL,
    PRIMARY KEY (delivery_id, page)
  )`.execute(db);
}
