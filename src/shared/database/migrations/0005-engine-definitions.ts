import { sql, type Kysely } from 'kysely';

/** Engines' definitions that the farm was given, each version kept; which one made a frame is on its attempt. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE engine_definitions (
    id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    digest text NOT NULL,
    text text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    PRIMARY KEY (id, version)
  )`.execute(db);
  // What is wrong with files in a coordinator's folder of definitions, as long as it says so.
  await sql`CREATE TABLE engine_problems (
    file text PRIMARY KEY,
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
  )`.execute(db);
  await sql`ALTER TABLE attempts ADD COLUMN definition text`.execute(db);
}
