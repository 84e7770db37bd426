import { engineCatalogue } from '../../../shared/engines/engine-catalogue.ts';
import type { LoadedDefinition } from '../../../shared/engines/read-definition.ts';
import { EngineFailure, type Engine, type SessionSpec } from '../engine.ts';
import { definedEngine } from './defined-engine.ts';

/** @throws EngineFailure `host` where this installation has no such definition */
export function loadedDefinition(id: string): LoadedDefinition {
  const loaded = engineCatalogue().definition(id);
  if (!loaded) throw new EngineFailure('host', `This worker has no definition of the engine "${id}".`);
  return loaded;
}

/**
 * An engine that runs as its definition says, once its scene was prepared. The definition is read when it is asked for.
 * @param prepare @throws EngineFailure
 */
export function preparedEngine(id: string, prepare: (spec: SessionSpec) => Promise<SessionSpec>): Engine {
  const engine = (): Engine => definedEngine(loadedDefinition(id));
  return {
    id,
    get timeouts() {
      return engine().timeouts;
    },
    reusable: false,
    detect: (options) => engine().detect(options),
    open: async (spec) => engine().open(await prepare(spec)),
  };
}
