import { sql, type Kysely } from 'kysely';

/** A picture of what a template gives, by its path among the template's files. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE templates ADD COLUMN preview text`.execute(db);
}
