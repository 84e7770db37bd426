import { mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { SessionSpec } from '../engine.ts';

/**
 * A folder for a changed copy of the scene, from which every relative path of the scene leads to the same file. In a copy
 * of an asset it is the scene's own. On shared storage nothing may be written: there it is one in the session's folder, with
 * links to all that lies beside the scene and beside the folders around it, up to the storage's root.
 */
export async function folderBeside(
  scenePath: string,
  sceneRoot: string,
  { inPlace, workDir }: Pick<SessionSpec, 'inPlace' | 'workDir'>,
): Promise<string> {
  if (!inPlace) return dirname(scenePath);
  const parts = relative(sceneRoot, dirname(scenePath))
    .split(sep)
    .filter((part) => part !== '');
  let [source, target] = [sceneRoot, join(workDir, 'beside')];
  await linkAll(source, target, parts[0]);
  for (const [level, part] of parts.entries()) {
    [source, target] = [join(source, part), join(target, part)];
    await linkAll(source, target, parts[level + 1]);
  }
  return target;
}

/** @param but left out: it becomes a folder of its own */
async function linkAll(source: string, target: string, but: string | undefined): Promise<void> {
  await mkdir(target);
  for (const name of await readdir(source))
    if (name !== but) await symlink(join(source, name), join(target, name));
}
