import { sql } from 'kysely';
import { FarmError, InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import {
  ROOT_SYSTEMS,
  prefixesOf,
  sharedPrefix,
  type NamedRoot,
  type RootPrefixes,
} from '../../shared/domain/root-paths.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { count, named, type Managed, type RequestOf } from './managed.ts';

/** Makes shared storage known, or says where it lies now. @throws InvalidInputError; FarmError `conflict` */
export async function putRoot(trx: LedgerTransaction, request: RequestOf<'put-root'>): Promise<Managed> {
  const { root: name, linux, mac, windows, unc } = request;
  const prefixes = { linux, mac, windows, unc };
  if (prefixesOf(prefixes).length === 0)
    throw new InvalidInputError('The request', [
      {
        path: 'linux',
        value: 'no prefix',
        expected: 'at least one of linux, mac, windows, unc: where the folder lies on such machines',
      },
    ]);
  const roots = await trx.selectFrom('storage_roots').selectAll().orderBy('name').execute();
  assertApart(name, prefixes, roots);
  const before = roots.find((root) => root.name === name);
  const same = before !== undefined && ROOT_SYSTEMS.every((system) => before[system] === prefixes[system]);
  const where = prefixesOf(prefixes).join(', ');
  return {
    would: same
      ? `Storage root ${name} is ${where} already.`
      : `Makes ${where} known as storage root ${name}.`,
    did: same
      ? `Storage root ${name} is ${where} already.`
      : `Storage root ${name} is ${where}; workers that have it mounted say so within seconds.`,
    changed: !same,
    subjects: [`root/${name}`],
    write: async (writing) => {
      await writing
        .insertInto('storage_roots')
        .values({ name, ...prefixes })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(prefixes))
        .execute();
    },
  };
}

/** One root may lie inside another, and the longer prefix counts; with the same prefix nobody could tell them apart. */
function assertApart(name: string, prefixes: RootPrefixes, roots: readonly NamedRoot[]): void {
  for (const other of roots) {
    const shared = other.name === name ? undefined : sharedPrefix(prefixes, other);
    if (shared !== undefined)
      throw new FarmError(
        'conflict',
        `${shared} is storage root ${other.name} already. Use that name, or ./farmhand roots remove ${other.name} first.`,
      );
  }
}

/** Forgets shared storage. @throws FarmError `not-found`; `conflict` while jobs need it, unless that is forced */
export async function removeRoot(
  trx: LedgerTransaction,
  { root: name, force }: RequestOf<'remove-root'>,
): Promise<Managed> {
  const root = await trx
    .selectFrom('storage_roots')
    .select('name')
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  if (!root) throw new FarmError('not-found', `There is no storage root ${describeValue(name)}.`);
  const jobs = await openJobsOn(trx, name);
  const needing = `${count(jobs.length, 'job')} that ${jobs.length === 1 ? 'has' : 'have'} not ended ${jobs.length === 1 ? 'needs' : 'need'} it: ${named(jobs)}`;
  if (jobs.length > 0 && force !== true)
    throw new FarmError(
      'conflict',
      `Storage root ${name} is needed; ${needing}. Cancel them first, or use --force: then they wait for ever.`,
    );
  const left = jobs.length > 0 ? `; ${needing}` : '';
  return {
    would: `Forgets storage root ${name}${left}.`,
    did: `Storage root ${name} is forgotten${left}. Nothing on it was touched.`,
    changed: true,
    subjects: [`root/${name}`],
    write: async (writing) => {
      await writing.deleteFrom('storage_roots').where('name', '=', name).execute();
    },
  };
}

async function openJobsOn(trx: LedgerTransaction, root: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT DISTINCT j.id FROM jobs j JOIN steps s ON s.job_id = j.id
    WHERE j.state IN ('queued', 'running', 'paused', 'held') AND s.spec->'requires'->'roots' ? ${root}
    ORDER BY j.id`.execute(trx);
  return rows.map((row) => row.id);
}
