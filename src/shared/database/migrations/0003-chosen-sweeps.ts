import { sql, type Kysely } from 'kysely';

/** Frames that are chosen for a retry or to be skipped are moved in slices, as those of cancelled jobs are. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE steps
    DROP CONSTRAINT steps_sweep_check,
    ADD CONSTRAINT steps_sweep_check CHECK (sweep IN ('cancel', 'revive', 'hold', 'let-go', 'retry', 'remake', 'skip', 'wait')),
    ADD COLUMN sweep_frames jsonb`.execute(db);
}
