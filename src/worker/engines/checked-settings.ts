import { describeEngine, type EngineDescription } from '../../shared/engines/engine-catalogue.ts';
import { EngineFailure } from './engine.ts';

/**
 * The settings of a task, held against the engine's definition once more: what made the task may go by another version.
 * @throws EngineFailure `scene`
 */
export function checkedSettings(
  engine: Pick<EngineDescription, 'label' | 'settings'>,
  settings: Record<string, unknown>,
): Record<string, unknown> {
  const { value, issues } = engine.settings.check(settings, 'settings');
  if (issues.length === 0) return value;
  const lines = issues.map(({ path, value: got, expected }) => `${path}: got ${got}, expected ${expected}`);
  throw new EngineFailure('scene', `${engine.label} cannot take the settings. ${lines.join('; ')}`);
}

/** {@link checkedSettings} of an engine of this installation. */
export function settingsOf(id: string, settings: Record<string, unknown>): Record<string, unknown> {
  const engine = describeEngine(id);
  if (!engine) throw new EngineFailure('host', `This worker has no definition of the engine "${id}".`);
  return checkedSettings(engine, settings);
}
