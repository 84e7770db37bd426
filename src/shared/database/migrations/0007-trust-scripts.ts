import { sql, type Kysely } from 'kysely';

/** What a person said when a step was held because its scene's scripts were not run. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE steps ADD COLUMN trust_scripts boolean`.execute(db);
}
