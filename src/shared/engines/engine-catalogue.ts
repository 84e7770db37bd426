import { createHash } from 'node:crypto';
import type { EngineDefinition } from './definition.ts';
import { inputNames, type InputNames } from './input-names.ts';
import type { LoadedDefinition } from './read-definition.ts';
import { ObjectCheck, fileSettings, objectSchema } from './settings-schema.ts';
import { shippedDefinitions } from './shipped-definitions.ts';

/** What the farm must know of an engine to check a job before a worker sees it. */
export interface EngineDescription extends Pick<
  EngineDefinition,
  'id' | 'label' | 'status' | 'licence' | 'scene' | 'work' | 'inputs' | 'formatOf'
> {
  /** The first is taken where a job asks for none. */
  formats: readonly [string, ...string[]];
  settings: ObjectCheck;
  /** What a step's inputs may be called; null: anything. */
  inputNames: InputNames | null;
  /** Settings that name a file, as `asset:<sha256>/<path>`. */
  fileSettings: readonly string[];
  /** null: data is whatever the scene takes. */
  data: ObjectCheck | null;
}

interface Entry {
  loaded: LoadedDefinition;
  description: EngineDescription;
  revision: string;
}

/** The engines that there are: those of this installation, and definitions that come and go while it runs. */
export class EngineCatalogue {
  readonly #shipped: ReadonlyMap<string, Entry>;
  readonly #added = new Map<string, Entry>();

  constructor(shipped: Iterable<LoadedDefinition>) {
    this.#shipped = new Map(
      [...shipped].map((loaded) => [loaded.definition.id, toEntry(loaded, digestOf(loaded))]),
    );
  }

  /**
   * Adds a definition, in the place of one with the same id.
   * @param version in the farm's store
   */
  put(loaded: LoadedDefinition, version: number): void {
    this.#added.set(loaded.definition.id, toEntry(loaded, String(version)));
  }

  /** Takes an added definition away; one of this installation that it stood for is there again. */
  remove(id: string): void {
    this.#added.delete(id);
  }

  describe(id: string): EngineDescription | undefined {
    return this.#entry(id)?.description;
  }

  definition(id: string): LoadedDefinition | undefined {
    return this.#entry(id)?.loaded;
  }

  /** One of this installation, whatever stands for it now. */
  shipped(id: string): LoadedDefinition | undefined {
    return this.#shipped.get(id)?.loaded;
  }

  /** Whether it came while this process ran. */
  isAdded(id: string): boolean {
    return this.#added.has(id);
  }

  /** Which definition it is: `<id>@<version>` of the farm's store, `<id>@<digest>` of this installation. */
  revision(id: string): string | undefined {
    return this.#entry(id)?.revision;
  }

  list(): EngineDescription[] {
    return this.ids().flatMap((id) => this.describe(id) ?? []);
  }

  ids(): string[] {
    return [...new Set([...this.#shipped.keys(), ...this.#added.keys()])].sort();
  }

  #entry(id: string): Entry | undefined {
    return this.#added.get(id) ?? this.#shipped.get(id);
  }
}

function digestOf({ raw }: LoadedDefinition): string {
  return createHash('sha256').update(JSON.stringify(raw)).digest('hex').slice(0, 12);
}

function toEntry(loaded: LoadedDefinition, revision: string): Entry {
  const { id, label, status, licence, scene, work, inputs, formats, formatOf, settings, data } =
    loaded.definition;
  const [first = '', ...others] = formats;
  return {
    loaded,
    revision: `${id}@${revision}`,
    description: {
      ...{ id, label, status, licence, scene, work, inputs, formatOf },
      formats: [first, ...others],
      inputNames: inputNames(loaded),
      settings: new ObjectCheck(objectSchema(settings), 'setting'),
      fileSettings: fileSettings(settings),
      data: data === undefined ? null : new ObjectCheck(objectSchema(data), 'value'),
    },
  };
}

let ofThisProcess: EngineCatalogue | undefined;

/** The catalogue that this process goes by. @throws FarmError when the installation's own files cannot be read */
export function engineCatalogue(): EngineCatalogue {
  return (ofThisProcess ??= new EngineCatalogue(shippedDefinitions()));
}

export function describeEngine(id: string): EngineDescription | undefined {
  return engineCatalogue().describe(id);
}

export function engineIds(): string[] {
  return engineCatalogue().ids();
}
