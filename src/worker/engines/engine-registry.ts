import type { DetectedEngine } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { EngineFailure, type DetectedProgram, type Engine } from './engine.ts';

export interface FoundEngine {
  engine: Engine;
  detected: DetectedProgram;
  /** `<id>@<version>`; null for one without a definition. */
  definition: string | null;
}

type KnownEngine = Omit<FoundEngine, 'detected'>;

/** Which engines this machine has, in which version. They may come and go while the worker runs. */
export class EngineRegistry {
  readonly #engines: Map<string, KnownEngine>;
  readonly #cacheDir: string | undefined;
  readonly #log: Logger;
  readonly #found = new Map<string, FoundEngine>();

  constructor(engines: readonly Engine[], cacheDir: string | undefined, log: Logger) {
    this.#engines = new Map(engines.map((engine) => [engine.id, known(engine)]));
    this.#cacheDir = cacheDir;
    this.#log = log;
  }

  /** Looks for all engines. @returns whether something is not as it was */
  async detect(): Promise<boolean> {
    const before = JSON.stringify(this.list());
    await Promise.all([...this.#engines.values()].map((engine) => this.#look(engine)));
    return JSON.stringify(this.list()) !== before;
  }

  /** Adds an engine, or takes another one for the same id. Resolves when it was looked for. */
  async put(engine: Engine): Promise<void> {
    const entry = known(engine);
    this.#engines.set(engine.id, entry);
    await this.#look(entry);
  }

  /** Tasks in hand end with it; none begins. */
  remove(id: string): void {
    this.#engines.delete(id);
    this.#found.delete(id);
  }

  /** What heartbeats say. */
  list(): DetectedEngine[] {
    return [...this.#engines.keys()].flatMap((id) => {
      const found = this.#found.get(id);
      if (!found) return [];
      const { version, features } = found.detected;
      return [{ id, version, features: [...features] }];
    });
  }

  has(id: string): boolean {
    return this.#found.has(id);
  }

  /** @throws EngineFailure `host` when it has gone since the task was taken */
  get(id: string): FoundEngine {
    const found = this.#found.get(id);
    if (!found) throw new EngineFailure('host', `This worker no longer has the engine "${id}".`);
    return found;
  }

  /** Absolute path of an engine's program, for checks that need it. */
  programOf(id: string): string | undefined {
    return this.#found.get(id)?.detected.program;
  }

  async #look(entry: KnownEngine): Promise<void> {
    const { id } = entry.engine;
    const detected = await this.#detectOne(entry.engine);
    // Another one may have come in its place meanwhile.
    if (this.#engines.get(id) !== entry) return;
    if (detected) this.#found.set(id, { ...entry, detected });
    else this.#found.delete(id);
  }

  async #detectOne(engine: Engine): Promise<DetectedProgram | null> {
    try {
      return await engine.detect({ cacheDir: this.#cacheDir });
    } catch (error) {
      this.#log.warn({ engine: engine.id, reason: messageOf(error) }, 'an engine could not be looked for');
      return null;
    }
  }
}

function known(engine: Engine): KnownEngine {
  return { engine, definition: engineCatalogue().revision(engine.id) ?? null };
}
