import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isSafePath } from '../../shared/contracts/manifest.ts';
import type { SceneRef, TaskMessage } from '../../shared/contracts/messages.ts';
import { rootReference, type RootFile } from '../../shared/domain/root-paths.ts';
import { EngineFailure, type Engine, type MovedFolder } from '../engines/engine.ts';
import { askStorage } from './ask-storage.ts';
import type { StorageRoots } from './storage-roots.ts';

/** A file on shared storage, as it lies on this machine. */
export interface LocatedFile {
  path: string;
  /** The folder of its root. */
  root: string;
  /** Another one when the file was written since. */
  stamp: string;
}

/** Shared storage as one task meets it. */
export interface TaskStorage {
  /** Where paths of other systems lead to here. */
  folders: readonly MovedFolder[];
  /** The files that the task names there, by reference (`root:…`). */
  files: Readonly<Record<string, LocatedFile>>;
}

export const NO_STORAGE: TaskStorage = { folders: [], files: {} };

/**
 * Finds the files on shared storage that a task names.
 * @throws EngineFailure `missing-asset` for one that is not there, `host` where its storage is not mounted, `scene` for a
 *   path that leads out of it
 */
export async function storageFor(
  task: Pick<TaskMessage, 'scene' | 'settings'>,
  engine: Engine,
  roots: StorageRoots,
  workerId: string,
): Promise<TaskStorage> {
  const named = [task.scene, ...(engine.files?.(task.settings) ?? []).map(({ scene }) => scene)];
  const wanted = named.filter((scene) => scene !== null).filter(isOnRoot);
  const located: [string, LocatedFile][] = [];
  for (const file of wanted) located.push([rootReference(file), await locate(file, roots, workerId)]);
  return { folders: roots.folders(), files: Object.fromEntries(located) };
}

export const isOnRoot = (scene: SceneRef): scene is RootFile => 'root' in scene;

/**
 * Whether the files of a task are what they were when it began: where they are not, that is why it failed.
 * @throws EngineFailure `missing-asset`, `host`
 */
export async function assertUnchanged(
  { files }: TaskStorage,
  roots: StorageRoots,
  workerId: string,
): Promise<void> {
  for (const [reference, before] of Object.entries(files)) {
    const [, root = '', path = ''] = /^root:([^/]+)\/(.+)$/.exec(reference) ?? [];
    const now = await locate({ root, path }, roots, workerId);
    if (now.stamp !== before.stamp)
      throw new EngineFailure(
        'missing-asset',
        `${reference} was changed while it was rendered: worker ${workerId} has it at ${before.path}.`,
      );
  }
}

async function locate(file: RootFile, roots: StorageRoots, workerId: string): Promise<LocatedFile> {
  const reference = rootReference(file);
  const root = roots.mounted(file.root);
  if (!root)
    throw new EngineFailure(
      'host',
      `${reference} cannot be read: storage root ${file.root} is not mounted on worker ${workerId} (${roots.whereabouts(file.root)}).`,
    );
  if (!isSafePath(file.path)) throw leadsOut(reference);
  const path = join(root.prefix, ...file.path.split('/'));
  const missing = (why: string): EngineFailure =>
    new EngineFailure('missing-asset', `${reference} ${why}: worker ${workerId} looked for ${path}.`);
  const found = await answer(root.prefix, async () => {
    const real = await realpath(path);
    return { real, info: await stat(real) };
  });
  if (found === null) {
    await roots.look();
    if (roots.mounted(file.root)) throw missing('is not there, or cannot be read');
    throw new EngineFailure(
      'host',
      `${reference} cannot be read: storage root ${file.root} is no longer mounted on worker ${workerId} (${root.prefix}).`,
    );
  }
  if (!found.real.startsWith(root.real.endsWith(sep) ? root.real : root.real + sep))
    throw leadsOut(reference);
  if (!found.info.isFile()) throw missing('is not a file');
  return { path, root: root.prefix, stamp: `${found.info.size}-${found.info.mtimeMs}` };
}

/** null: there is no such file, or storage does not answer. */
async function answer<T>(prefix: string, look: () => Promise<T>): Promise<T | null> {
  try {
    return await askStorage(prefix, look);
  } catch {
    return null; // the caller says so, with where it looked
  }
}

const leadsOut = (reference: string): EngineFailure =>
  new EngineFailure(
    'scene',
    `${reference} leads out of its storage root, by ".." or a link; files of a root have to lie in it.`,
  );
