import { sql } from 'kysely';
import { FarmError, InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { definitionDigest, readPushedDefinition } from '../../shared/engines/pushed-definitions.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { Managed, RequestOf } from '../manage/managed.ts';

interface Newest {
  version: number;
  digest: string;
  removed: boolean;
}

/** Stores a definition as the engine's next version. @throws FarmError `invalid` with all that is wrong with it */
export async function putEngine(
  trx: LedgerTransaction,
  request: RequestOf<'put-engine'> & { by?: string | undefined },
): Promise<Managed> {
  const { engine, text, by = 'unknown' } = request;
  const { definition } = readPushedDefinition(text, engineCatalogue());
  if (definition.id !== engine)
    throw new InvalidInputError('The request', [
      { path: 'engine', value: describeValue(engine), expected: `the definition's id, ${definition.id}` },
    ]);
  const newest = await newestOf(trx, engine);
  const digest = definitionDigest(text);
  const isThere = newest?.removed === false && newest.digest === digest;
  const version = isThere ? newest.version : (newest?.version ?? 0) + 1;
  const name = `${definition.label} (${engine}@${version})`;
  return {
    would: isThere
      ? `The farm has this definition of ${name} already.`
      : `Gives the definition of ${name} to the workers.`,
    did: isThere
      ? `The farm has this definition of ${name} already.`
      : `The definition of ${name} is with the farm; workers that have the program take it from the next task on.`,
    changed: !isThere,
    subjects: [`engine/${engine}`],
    write: async (writing) => {
      await sql`INSERT INTO engine_definitions (id, version, digest, text, created_by)
        VALUES (${engine}, ${version}, ${digest}, ${text}, ${by})`.execute(writing);
    },
  };
}

/** Takes a definition away. @throws FarmError `not-found` */
export async function removeEngine(
  trx: LedgerTransaction,
  { engine }: RequestOf<'remove-engine'>,
): Promise<Managed> {
  const newest = await newestOf(trx, engine);
  const shipped = engineCatalogue().shipped(engine);
  if (!newest)
    throw new FarmError(
      'not-found',
      shipped
        ? `${engine} is an engine of this installation: nothing of it was given to the farm that could be removed.`
        : `The farm was given no definition of an engine ${engine}.`,
    );
  const after = shipped ? `; that of the installation counts again` : '';
  return {
    would: `Takes the definition ${engine}@${newest.version} from the workers${after}.`,
    did: newest.removed
      ? `The definition of ${engine} is removed already.`
      : `The definition ${engine}@${newest.version} is removed${after}.`,
    changed: !newest.removed,
    subjects: [`engine/${engine}`],
    write: async (writing) => {
      await sql`UPDATE engine_definitions SET removed_at = now()
        WHERE id = ${engine} AND version = ${newest.version}`.execute(writing);
    },
  };
}

async function newestOf(trx: LedgerTransaction, engine: string): Promise<Newest | undefined> {
  const { rows } = await sql<Newest>`SELECT version, digest, removed_at IS NOT NULL AS removed
    FROM engine_definitions WHERE id = ${engine} ORDER BY version DESC LIMIT 1`.execute(trx);
  return rows[0];
}
