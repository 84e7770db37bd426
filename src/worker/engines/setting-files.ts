import type { SceneRef } from '../../shared/contracts/messages.ts';
import { parseRootReference } from '../../shared/domain/root-paths.ts';
import { EngineFailure } from './engine.ts';

/**
 * The files that settings name and that must be fetched.
 * @param names settings whose schema has the format `asset`
 * @throws EngineFailure `scene` for one that does not have the form `asset:<sha256>/<path>` or `root:<name>/<path>`
 */
export function settingFiles(
  names: readonly string[],
  settings: Readonly<Record<string, unknown>>,
): { ref: string; scene: SceneRef }[] {
  return names.flatMap((name) => {
    const reference = settings[name];
    return typeof reference === 'string' ? [{ ref: reference, scene: parse(name, reference) }] : [];
  });
}

function parse(name: string, reference: string): SceneRef {
  const match = /^asset:([0-9a-f]{64})\/(.+)$/.exec(reference);
  if (match?.[1] && match[2]) return { asset: match[1], path: match[2] };
  const onRoot = parseRootReference(reference);
  if (onRoot) return onRoot;
  const got = JSON.stringify(reference);
  throw new EngineFailure(
    'scene',
    `settings.${name} is ${got}; expected "asset:<sha256>/<path>" or "root:<name>/<path>".`,
  );
}
