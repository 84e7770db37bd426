import { createHash } from 'node:crypto';
import type { EngineNotice } from '../contracts/messages.ts';
import { FarmError, describeValue } from '../domain/errors.ts';
import type { EngineCatalogue } from './engine-catalogue.ts';
import { readDefinition, type LoadedDefinition } from './read-definition.ts';
import { PROGRAM_VARIABLE, engineVariables } from './engine-variables.ts';
import { problemLine } from './shipped-definitions.ts';

/** SHA-256 by which a definition's text is known. */
export const definitionDigest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Reads a definition that comes without other files. It may extend those of this installation; not one that was given to
 * the farm, which could change under it.
 * @param file what lines of problems begin with
 * @throws FarmError `invalid` with a line for everything that is wrong
 */
export function readPushedDefinition(
  text: string,
  catalogue: EngineCatalogue,
  file = 'engine.yaml',
): LoadedDefinition {
  const { loaded, problems } = readDefinition(text, { parentOf: (id) => catalogue.shipped(id) });
  if (loaded) {
    const variable = loaded.definition.find?.env;
    if (
      variable === undefined ||
      variable.startsWith(PROGRAM_VARIABLE) ||
      engineVariables({}).includes(variable)
    )
      return loaded;
    throw new FarmError(
      'invalid',
      `The definition cannot be used:\n${file}: find.env: got ${describeValue(variable)}, expected ${PROGRAM_VARIABLE}NAME: workers are started with no other variables.`,
    );
  }
  const lines = problems.map((problem) => problemLine(file, problem));
  throw new FarmError('invalid', `The definition cannot be used:\n${lines.join('\n')}`);
}

export type Taken =
  | { change: 'none' }
  | { change: 'put'; id: string; loaded: LoadedDefinition }
  /** Of the farm's there is none; `problem` says why, where it should be one. */
  | { change: 'removed'; id: string; problem: string | null };

/** What a notice is about, without the text. */
export type EngineHead = Pick<EngineNotice, 'id' | 'definition'> &
  ({ type: 'removed' } | { type: 'put'; digest: string });

/** What the farm's store holds of engines, as this process has heard: what came last counts, in whatever order it comes. */
export class PushedDefinitions {
  readonly #catalogue: EngineCatalogue;
  readonly #heard = new Map<string, { definition: number; removed: boolean; digest: string | undefined }>();

  constructor(catalogue: EngineCatalogue) {
    this.#catalogue = catalogue;
  }

  /**
   * Whether this or something newer of the engine is known. After the ledger was restored from an older backup a number is
   * given to another text: that is news.
   */
  knows(notice: EngineHead): boolean {
    const heard = this.#heard.get(notice.id);
    if (!heard || heard.definition < notice.definition) return false;
    if (heard.definition > notice.definition || heard.removed) return true;
    return notice.type === 'put' && notice.digest === heard.digest;
  }

  /** Takes what is new into the catalogue. A definition that cannot be read takes the one before it away. */
  take(notice: EngineNotice): Taken {
    if (this.knows(notice)) return { change: 'none' };
    const { id, definition } = notice;
    const removed = notice.type === 'removed';
    this.#heard.set(id, { definition, removed, digest: removed ? undefined : notice.digest });
    if (notice.type === 'removed') return this.#remove(id, null);
    try {
      if (definitionDigest(notice.text) !== notice.digest)
        throw new FarmError('invalid', 'It does not have the digest that came with it.');
      const loaded = readPushedDefinition(notice.text, this.#catalogue, `${id}@${definition}`);
      if (loaded.definition.id !== id)
        throw new FarmError('invalid', `It describes the engine ${loaded.definition.id}.`);
      this.#catalogue.put(loaded, definition);
      return { change: 'put', id, loaded };
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      return this.#remove(
        id,
        `Definition ${definition} of the engine ${id} is not usable here: ${error.message}`,
      );
    }
  }

  #remove(id: string, problem: string | null): Taken {
    this.#catalogue.remove(id);
    return { change: 'removed', id, problem };
  }
}
