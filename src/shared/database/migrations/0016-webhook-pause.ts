import { sql, type Kysely } from 'kysely';

/** Webhooks can be paused: nothing is sent to them, and what comes about meanwhile is not kept for them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE webhooks ADD COLUMN paused boolean NOT NULL DEFAULT false`.execute(db);
}
