import type { DetectedEngine } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { EngineFailure, type DetectedProgram, type Engine } from './engine.ts';

export interface FoundEngine {
  engine: Engine;
  detected: DetectedProgram;
}

/** Which engines this machine has, in which version. */
export class EngineRegistry {
  readonly #engines: readonly Engine[];
  readonly #cacheDir: string | undefined;
  readonly #log: Logger;
  #found = new Map<string, FoundEngine>();

  constructor(engines: readonly Engine[], cacheDir: string | undefined, log: Logger) {
    this.#engines = engines;
    this.#cacheDir = cacheDir;
    this.#log = log;
  }

  /** Looks for all engines. @returns whether something is not as it was */
  async detect(): Promise<boolean> {
    const before = JSON.stringify(this.list());
    const results = await Promise.all(this.#engines.map((engine) => this.#detectOne(engine)));
    this.#found = new Map(results.flatMap((found) => (found ? [[found.engine.id, found]] : [])));
    return JSON.stringify(this.list()) !== before;
  }

  /** What heartbeats say. */
  list(): DetectedEngine[] {
    return [...this.#found.values()].map(({ engine, detected }) => ({
      id: engine.id,
      version: detected.version,
      features: [...detected.features],
    }));
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

  async #detectOne(engine: Engine): Promise<FoundEngine | null> {
    try {
      const detected = await engine.detect({ cacheDir: this.#cacheDir });
      return detected && { engine, detected };
    } catch (error) {
      this.#log.warn({ engine: engine.id, reason: messageOf(error) }, 'an engine could not be looked for');
      return null;
    }
  }
}
