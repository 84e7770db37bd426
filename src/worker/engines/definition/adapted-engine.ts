import type { LoadedDefinition } from '../../../shared/engines/read-definition.ts';
import { ObjectCheck, objectSchema } from '../../../shared/engines/settings-schema.ts';
import { checkedSettings } from '../checked-settings.ts';
import type { Engine, SessionSpec } from '../engine.ts';
import { detectProgram } from './detect.ts';

/**
 * An engine with code of its own under another name: a studio's build of Blender with defaults of the studio. What the
 * code takes from its own definition (patterns, the check of what is left of the settings) stays as it is.
 */
export function withDefinition(engine: Engine, { definition }: LoadedDefinition): Engine {
  const { id, label, timeouts, find, version } = definition;
  const settings = new ObjectCheck(objectSchema(definition.settings), 'setting');
  // Whether a machine runs commands is its operator's word alone.
  const hasProgram = engine.id !== 'command' && find !== undefined && version !== undefined;
  const adapt = (spec: SessionSpec): SessionSpec => ({
    ...spec,
    settings: checkedSettings({ label, settings }, spec.settings) as SessionSpec['settings'],
  });
  const { start } = engine;
  return {
    ...engine,
    id,
    timeouts,
    detect: (options) => (hasProgram ? detectProgram(definition) : engine.detect(options)),
    open: (spec) => engine.open(adapt(spec)),
    ...(start && {
      start: async (spec) => {
        const started = await start(spec);
        return {
          open: (opened) => started.open(adapt(opened)),
          close: () => started.close(),
          memoryBytes: () => started.memoryBytes(),
          get hasEnded() {
            return started.hasEnded;
          },
        };
      },
    }),
  };
}
