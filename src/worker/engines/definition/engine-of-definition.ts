import { engineCatalogue } from '../../../shared/engines/engine-catalogue.ts';
import { EngineFailure, type Engine } from '../engine.ts';
import { definedEngine } from './defined-engine.ts';

/**
 * What a definition of this installation says of an engine: for adapters that only prepare its scenes. The definition is
 * read when it is asked for the first time.
 */
export function engineOfDefinition(id: string): Engine {
  const engine = (): Engine => {
    const loaded = engineCatalogue().definition(id);
    if (!loaded) throw new EngineFailure('host', `This worker has no definition of the engine "${id}".`);
    return definedEngine(loaded);
  };
  return {
    id,
    get timeouts() {
      return engine().timeouts;
    },
    get reusable() {
      return engine().reusable;
    },
    detect: (options) => engine().detect(options),
    open: (spec) => engine().open(spec),
  };
}
