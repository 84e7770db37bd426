import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { FarmError } from '../../shared/domain/errors.ts';
import { inspectScene } from '../../shared/scenes/inspect-scene.ts';
import type { SceneInspection, SharedLookup } from '../../shared/scenes/scene-inspection.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { LocalFile } from '../support/upload.ts';
import { sceneOfIni } from './find-scene.ts';

/** Where a scene lies. */
export interface Place {
  /** The whole folder that comes along; absent: the scene and what it names. */
  folder?: {
    path: string;
    files: readonly LocalFile[];
    shownAs: string;
    /** Whether files outside the folder may come along: not for what somebody else has packed. */
    outside: boolean;
  };
  /** Files on shared storage stay there. */
  shared?: SharedLookup;
  /** Where the scene is named, for errors: `steps[0].scene`. */
  what?: string;
}

export interface SceneLook {
  inspection: SceneInspection;
  /** How people know the scene. */
  shown: string;
  /** The `.ini` that was found for a `.pov`. */
  described: string | undefined;
  /** Everything that comes along, by paths that begin at the inspection's `root`. */
  files: LocalFile[];
}

/**
 * Reads a scene on this machine.
 * @param scene a path; inside `place.folder` a path relative to it.
 * @throws UsageError for a scene that cannot be read
 */
export async function lookAtScene(scene: string, place: Place = {}): Promise<SceneLook> {
  const { folder } = place;
  const chosen = folder === undefined ? await iniOf(scene) : undefined;
  const inspection = await inspect(place, chosen ?? scene);
  const described = chosen === undefined ? undefined : basename(chosen);
  const shown = folder === undefined ? (described ?? basename(scene)) : `${folder.shownAs}/${scene}`;
  const files = new Map(inspection.files.map(({ path, absolute }) => [path, absolute]));
  for (const { file } of folder?.files ?? [])
    files.set(relative(inspection.root, file).split(sep).join('/'), file);
  const all = [...files].map(([path, file]) => ({ path, file }));
  return { inspection, shown, described, files: all };
}

async function inspect({ folder, what, shared }: Place, scene: string): Promise<SceneInspection> {
  const storage = shared === undefined ? {} : { shared };
  try {
    return folder === undefined
      ? await inspectScene(scene, undefined, { outside: true, ...storage })
      : await inspectScene(folder.path, scene, { outside: folder.outside, ...storage });
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    throw new UsageError(what === undefined ? error.message : `${what}: ${error.message}`, {
      issues: error.issues,
      cause: error,
    });
  }
}

/** The one `.ini` beside a `.pov` that names it: without it the scene's clock would stand still. */
async function iniOf(scene: string): Promise<string | undefined> {
  if (extname(scene).toLowerCase() !== '.pov') return undefined;
  const folder = dirname(scene);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ini$/i.test(name));
  const naming: string[] = [];
  for (const name of names) {
    const named = await sceneOfIni(join(folder, name));
    if (named === basename(scene) || `${named ?? ''}.pov` === basename(scene))
      naming.push(join(folder, name));
  }
  return naming.length === 1 ? naming[0] : undefined;
}
