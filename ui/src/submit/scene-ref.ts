/** How a job names its scene. */
export type SceneRef =
  | { kind: 'asset'; asset: string; path: string }
  | { kind: 'template'; name: string; version: number | undefined }
  | { kind: 'other' };

export function parseSceneRef(text: string): SceneRef {
  const [, asset, path] = /^asset:([0-9a-f]{64})\/(.+)$/.exec(text) ?? [];
  if (asset !== undefined && path !== undefined) return { kind: 'asset', asset, path };
  const [, name, version] = /^template:([A-Za-z0-9][A-Za-z0-9_-]{0,63})(?:@(\d{1,9}))?$/.exec(text) ?? [];
  if (name === undefined) return { kind: 'other' };
  return { kind: 'template', name, version: version === undefined ? undefined : Number(version) };
}

/** What a job of it is called: the file without its ending. */
export const nameOf = (text: string): string => sceneLabel(text).replace(/(?<=.)\.[^.]*$/, '');

/** What people call it: the file's or the template's name. */
export function sceneLabel(text: string): string {
  const ref = parseSceneRef(text);
  if (ref.kind === 'template') return ref.name;
  return (ref.kind === 'asset' ? ref.path : text).replace(/^.*\//, '');
}
