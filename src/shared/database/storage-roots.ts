import type { StorageRoot } from '../contracts/storage-roots.ts';
import type { Ledger } from './connect.ts';

/** Shared storage that the farm knows, by name. */
export function readRoots(ledger: Ledger): Promise<StorageRoot[]> {
  return ledger.selectFrom('storage_roots').selectAll().orderBy('name').execute();
}
