import { describeEngine, type EngineDescription } from '../../shared/engines/engine-catalogue.ts';
import type { ObjectCheck } from '../../shared/engines/settings-schema.ts';
import { EngineFailure } from './engine.ts';

/**
 * The settings of a task, held against the engine's definition once more: what made the task may go by another version.
 * @throws EngineFailure `scene`
 */
export function checkedSettings(
  engine: Pick<EngineDescription, 'label' | 'settings'>,
  settings: Record<string, unknown>,
): Record<string, unknown> {
  return taken(engine.label, engine.settings.check(settings, 'settings'));
}

/** The same of its data. @throws EngineFailure `scene` */
export function checkedData(
  engine: Pick<EngineDescription, 'label' | 'data'>,
  data: Record<string, unknown>,
): Record<string, unknown> {
  return engine.data ? taken(engine.label, engine.data.check(data, 'data')) : data;
}

function taken(label: string, { value, issues }: ReturnType<ObjectCheck['check']>): Record<string, unknown> {
  if (issues.length === 0) return value;
  const lines = issues.map(({ path, value: got, expected }) => `${path}: got ${got}, expected ${expected}`);
  throw new EngineFailure('scene', `${label} cannot take what the job gives. ${lines.join('; ')}`);
}

/** {@link checkedSettings} of an engine of this installation. */
export function settingsOf(id: string, settings: Record<string, unknown>): Record<string, unknown> {
  return checkedSettings(describe(id), settings);
}

/** {@link checkedData} of an engine of this installation. */
export function dataOf(id: string, data: Record<string, unknown>): Record<string, unknown> {
  return checkedData(describe(id), data);
}

function describe(id: string): EngineDescription {
  const engine = describeEngine(id);
  if (!engine) throw new EngineFailure('host', `This worker has no definition of the engine "${id}".`);
  return engine;
}
