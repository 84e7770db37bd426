import { Migrator } from 'kysely/migration';
import type { Ledger } from './connect.ts';
import { MIGRATIONS } from './migrations/index.ts';

/**
 * Brings the ledger to the newest schema. Several processes may call it at once: the migrator takes a lock.
 * @returns names of the migrations that ran.
 * @throws the first migration's error; earlier ones of the call stay applied.
 */
export async function migrateLedger(ledger: Ledger): Promise<string[]> {
  const migrator = new Migrator({
    db: ledger,
    provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error(JSON.stringify(error));
  return (results ?? [])
    .filter((result) => result.status === 'Success')
    .map((result) => result.migrationName);
}
