import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { MAX_DEFINITION_LENGTH } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { storableText } from '../../shared/domain/text.ts';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { definitionDigest, readPushedDefinition } from '../../shared/engines/pushed-definitions.ts';
import { DEFINITION_FILE } from '../../shared/engines/shipped-definitions.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { FarmSettings } from '../manage/farm-settings.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import { WakeUp } from '../runtime/wake-ups.ts';

const LOOK_EVERY_MS = 3_000;
/** Who gave what the folder holds, in the farm's history. */
const FOLDER = 'folder';

export interface EngineFolderParts {
  folder: string;
  settings: FarmSettings;
  /** Something was stored. */
  changed: () => Promise<void>;
}

/**
 * Puts the definitions of a folder into the farm's store, at start and whenever a file has changed. What is wrong with a
 * file is logged and shown; the version before it stays. A file that goes away takes nothing with it.
 */
export class EngineFolder {
  readonly #parts: EngineFolderParts;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  /** Digest of each file's text when it was last looked at. */
  readonly #seen = new Map<string, string>();
  /** Engine that each file describes. */
  readonly #ids = new Map<string, string>();
  readonly #problems = new Map<string, string>();

  constructor(parts: EngineFolderParts, ledger: Ledger, log: Logger) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#log = log;
    this.#loop = new BackgroundLoop({
      name: 'folder of engines',
      wakeUp: new WakeUp(),
      intervalMs: LOOK_EVERY_MS,
      round: () => this.#look(),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #look(): Promise<void> {
    const { folder } = this.#parts;
    const files = await definitionsIn(folder).catch((error: unknown) => {
      this.#complain(folder, `The folder of definitions cannot be read: ${messageOf(error)}`);
      return undefined;
    });
    if (files) this.#settle(folder);
    for (const file of files ?? []) await this.#lookAt(file);
    for (const file of [...this.#seen.keys(), ...this.#problems.keys()])
      if (file !== folder && files?.includes(file) === false) this.#forget(file);
    await this.#show();
  }

  async #lookAt(file: string): Promise<void> {
    let digest: string | undefined;
    try {
      const text = await readFile(file, 'utf8');
      digest = definitionDigest(text);
      if (this.#seen.get(file) === digest) return;
      await this.#put(file, text, digest);
      this.#settle(file);
    } catch (error) {
      // The ledger is away: the same file is tried again.
      if (!(error instanceof FarmError) && digest !== undefined) throw error;
      this.#complain(file, messageOf(error));
    }
    if (digest !== undefined) this.#seen.set(file, digest);
  }

  /** @throws FarmError `invalid` with each line that is wrong */
  async #put(file: string, text: string, digest: string): Promise<void> {
    if (text.length > MAX_DEFINITION_LENGTH)
      throw new FarmError('invalid', `${file} is too long: ${MAX_DEFINITION_LENGTH} characters at most.`);
    const { id } = readPushedDefinition(text, engineCatalogue(), file).definition;
    const [other] = [...this.#ids].find(([one, engine]) => engine === id && one !== file) ?? [];
    if (other !== undefined)
      throw new FarmError(
        'invalid',
        `${file} describes the engine ${id}, as ${other} does: one of them has to go.`,
      );
    this.#ids.set(file, id);
    // After a restart a file stands where it stood: what others have pushed or removed since is not undone.
    if (!this.#seen.has(file) && (await this.#lastOf(id)) === digest) return;
    const { reply } = await this.#parts.settings.apply({
      ...{ verb: 'put-engine', engine: id, text, by: FOLDER, requestId: newId('r') },
    });
    this.#log.info({ file }, reply.message);
    await this.#parts.changed();
  }

  /** Digest of what a folder gave last of an engine. */
  async #lastOf(id: string): Promise<string | undefined> {
    const row = await this.#ledger
      .selectFrom('engine_definitions')
      .select('digest')
      .where('id', '=', id)
      .where('created_by', '=', FOLDER)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.digest;
  }

  #complain(file: string, message: string): void {
    if (this.#problems.get(file) !== message) this.#log.error({ file }, message);
    this.#problems.set(file, message);
  }

  #settle(file: string): void {
    if (this.#problems.delete(file)) this.#log.info({ file }, 'the problem is over');
  }

  #forget(file: string): void {
    this.#problems.delete(file);
    this.#seen.delete(file);
    this.#ids.delete(file);
  }

  /** Told again each time; what is not told any more is shown no more. */
  async #show(): Promise<void> {
    const { folder } = this.#parts;
    const problems = [...this.#problems];
    const files = problems.map(([file]) => storableText(file, 1_000));
    const messages = problems.map(([, message]) => storableText(message, 4_000));
    await sql`DELETE FROM engine_problems
      WHERE starts_with(file, ${folder}) AND NOT file = ANY(${files}::text[])`.execute(this.#ledger);
    if (problems.length === 0) return;
    await sql`INSERT INTO engine_problems (file, message)
      SELECT * FROM unnest(${files}::text[], ${messages}::text[])
      ON CONFLICT (file) DO UPDATE SET message = excluded.message, at = now()`.execute(this.#ledger);
  }
}

/** `NAME.yaml`, and `NAME/engine.yaml`. */
async function definitionsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (/\.ya?ml$/.test(entry.name)) return [join(folder, entry.name)];
      if (!entry.isDirectory()) return [];
      const inside = await readdir(join(folder, entry.name));
      return inside.includes(DEFINITION_FILE) ? [join(folder, entry.name, DEFINITION_FILE)] : [];
    }),
  );
  return found.flat().sort();
}
