import { sql, type Kysely } from 'kysely';

/** Shared storage that workers mount: the same folder by the path that each kind of machine knows it by. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE storage_roots (
    name text PRIMARY KEY,
    linux text,
    mac text,
    windows text,
    unc text,
    CHECK (num_nonnulls(linux, mac, windows, unc) > 0)
  )`.execute(db);
}
