import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import type { LoadedDefinition } from '../../shared/engines/read-definition.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { afterEffectsEngine } from './after-effects/engine.ts';
import { blenderEngine } from './blender/engine.ts';
import { commandEngine } from './command/engine.ts';
import { withDefinition } from './definition/adapted-engine.ts';
import { definedEngine } from './definition/defined-engine.ts';
import type { Engine } from './engine.ts';
import { ffmpegEngine } from './ffmpeg/engine.ts';
import { htmlEngine } from './html/engine.ts';
import { inkscapeEngine } from './inkscape/engine.ts';
import { lottieEngine } from './lottie/engine.ts';
import { nullEngine } from './null/engine.ts';
import { povrayEngine } from './povray/engine.ts';
import { synfigEngine } from './synfig/engine.ts';

/** Engines with code of their own, by the folder's name, which definitions call `adapter`. */
const ADAPTERS: ReadonlyMap<string, Engine> = new Map(
  [
    ...[lottieEngine, htmlEngine, blenderEngine, povrayEngine, ffmpegEngine, nullEngine],
    ...[synfigEngine, inkscapeEngine, commandEngine, afterEffectsEngine],
  ].map((engine) => [engine.id, engine]),
);

/**
 * The engine that a definition describes.
 * @throws FarmError `invalid` for an adapter that this worker does not have
 */
export function engineOf(loaded: LoadedDefinition): Engine {
  const { id, adapter } = loaded.definition;
  if (adapter === undefined) return definedEngine(loaded);
  const engine = ADAPTERS.get(adapter);
  if (!engine)
    throw new FarmError(
      'invalid',
      `The engine "${id}" needs the adapter "${adapter}"; this worker has ${[...ADAPTERS.keys()].join(', ')}.`,
    );
  return id === engine.id ? engine : withDefinition(engine, loaded);
}

/** Every engine that this installation knows how to run; which of them a machine has is found out at start. */
export function shippedEngines(): Engine[] {
  const catalogue = engineCatalogue();
  return catalogue.ids().flatMap((id) => {
    const loaded = catalogue.definition(id);
    return loaded ? [engineOf(loaded)] : [];
  });
}
