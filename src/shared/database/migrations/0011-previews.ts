import { sql, type Kysely } from 'kysely';

/** Contact sheets and proxy videos: what somebody asked for, who makes it, and what came of it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE previews (
    job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
    step text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('contact-sheet','proxy')),
    wanted_at timestamptz NOT NULL DEFAULT now(),
    order_id text,
    worker text,
    ordered_at timestamptz,
    begun_at timestamptz,
    ordered_mark text,
    object_key text,
    previous_key text,
    bytes bigint,
    frames integer NOT NULL DEFAULT 0,
    made_mark text,
    made_at timestamptz,
    failures smallint NOT NULL DEFAULT 0,
    error text,
    PRIMARY KEY (job_id, step, kind)
  )`.execute(db);
  await sql`CREATE INDEX previews_wanted ON previews (wanted_at)`.execute(db);
  await sql`CREATE UNIQUE INDEX previews_order ON previews (order_id) WHERE order_id IS NOT NULL`.execute(db);
}
