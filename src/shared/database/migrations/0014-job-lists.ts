import { sql, type Kysely } from 'kysely';

/**
 * Jobs by what people look for, each in the order of the list. Letters A–Z without their case, as every machine compares
 * them. Names and errors are looked through job by job.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE INDEX jobs_state_newest ON jobs (state, submitted_at DESC, id DESC)`.execute(db);
  await sql`CREATE INDEX jobs_owner_newest ON jobs (lower(owner COLLATE "C"), submitted_at DESC, id DESC)`.execute(
    db,
  );
  await sql`CREATE INDEX jobs_project_newest ON jobs (lower(project COLLATE "C"), submitted_at DESC, id DESC)`.execute(
    db,
  );
  await sql`CREATE INDEX jobs_shot_newest ON jobs (lower((labels->>'shot') COLLATE "C"), submitted_at DESC, id DESC)
    WHERE labels->>'shot' IS NOT NULL`.execute(db);
}
