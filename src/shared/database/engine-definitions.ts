import { sql } from 'kysely';
import type { EngineNotice } from '../contracts/messages.ts';
import type { EngineHead } from '../engines/pushed-definitions.ts';
import type { Ledger } from './connect.ts';

/** The newest definition of an engine in the ledger, without its text. */
export interface StoredDefinition {
  id: string;
  version: number;
  digest: string;
  created_by: string;
  created_at: Date;
  removed: boolean;
}

/** What a process compares with what it has heard. */
export const headOf = ({ id, version: definition, digest, removed }: StoredDefinition): EngineHead =>
  removed ? { type: 'removed', id, definition } : { type: 'put', id, definition, digest };

/** The newest of each engine that the farm was ever given one of, the removed ones too. */
export async function newestDefinitions(ledger: Ledger): Promise<StoredDefinition[]> {
  const { rows } = await sql<StoredDefinition>`
    SELECT DISTINCT ON (id) id, version, digest, created_by, created_at, removed_at IS NOT NULL AS removed
    FROM engine_definitions ORDER BY id, version DESC`.execute(ledger);
  return rows;
}

/** The same as the messages that tell of them. */
export async function noticesOf(
  ledger: Ledger,
  definitions: readonly StoredDefinition[],
): Promise<EngineNotice[]> {
  const wanted = definitions.filter(({ removed }) => !removed);
  const { rows } =
    wanted.length === 0
      ? { rows: [] }
      : await sql<{ id: string; version: number; text: string }>`
          SELECT d.id, d.version, d.text
          FROM unnest(${wanted.map(({ id }) => id)}::text[], ${wanted.map(({ version }) => version)}::int[]) AS n(id, version)
          JOIN engine_definitions d USING (id, version)`.execute(ledger);
  const texts = new Map(rows.map(({ id, text }) => [id, text]));
  return definitions.flatMap(({ id, version: definition, digest, removed }): EngineNotice[] => {
    const place = { version: 1, id, definition } as const;
    if (removed) return [{ type: 'removed', ...place }];
    const text = texts.get(id);
    return text === undefined ? [] : [{ type: 'put', ...place, digest, text }];
  });
}
