import { sql, type Kysely } from 'kysely';

/** Batches: many rows for one template, of which each becomes a job. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE batches (
    id text PRIMARY KEY,
    name text NOT NULL,
    owner text NOT NULL,
    project text NOT NULL,
    idempotency_key text,
    document jsonb NOT NULL,
    document_sha256 text NOT NULL,
    template text NOT NULL,
    template_version integer NOT NULL,
    state text NOT NULL CHECK (state IN ('checking', 'expanding', 'expanded', 'refused', 'cancelling', 'cancelled')),
    error text,
    cancelled_by text,
    position bigint NOT NULL DEFAULT 0,
    lines integer NOT NULL DEFAULT 0,
    rows_read integer NOT NULL DEFAULT 0,
    rows_total integer,
    accepted integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    lease text,
    leased_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  await sql`CREATE UNIQUE INDEX batches_idempotency ON batches (owner, idempotency_key) WHERE idempotency_key IS NOT NULL`.execute(
    db,
  );
  await sql`CREATE INDEX batches_newest ON batches (created_at DESC, id DESC)`.execute(db);
  await sql`CREATE INDEX batches_open ON batches (updated_at) WHERE state IN ('checking', 'expanding', 'cancelling')`.execute(
    db,
  );
  await sql`CREATE TABLE batch_refused_rows (
    batch_id text NOT NULL REFERENCES batches ON DELETE CASCADE,
    row integer NOT NULL,
    line integer NOT NULL,
    errors jsonb NOT NULL,
    PRIMARY KEY (batch_id, row)
  )`.execute(db);
  // Jobs of a batch in the order of its rows: ids are the batch's and the row's number.
  await sql`CREATE INDEX jobs_batch ON jobs ((labels->>'batch'), length(id), id) WHERE labels->>'batch' IS NOT NULL`.execute(
    db,
  );
}
