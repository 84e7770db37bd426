import { sql, type Kysely } from 'kysely';

/** What failed, by reason, worker and job; and what a worker was given, newest first. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Names what the failure says without what differs from frame to frame; null in attempts that ended before.
  await sql`ALTER TABLE attempts ADD COLUMN fingerprint text`.execute(db);
  const failed = sql`WHERE outcome IN ('failed','lost','rejected')`;
  await sql`CREATE INDEX attempts_failed ON attempts (ended_at) ${failed}`.execute(db);
  await sql`CREATE INDEX attempts_failed_worker ON attempts (worker, ended_at) ${failed}`.execute(db);
  await sql`CREATE INDEX attempts_failed_job ON attempts (job_id, ended_at) ${failed}`.execute(db);
  await sql`CREATE INDEX attempts_worker ON attempts (worker, started_at, id)`.execute(db);
}
