import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { rootsSchema, type StorageRoot } from '../../shared/contracts/storage-roots.ts';
import {
  ROOT_OVERRIDES_RULE,
  below,
  fileOnRoot,
  parseRootOverrides,
  rootReference,
  type RootFile,
  type RootSystem,
} from '../../shared/domain/root-paths.ts';
import type { SharedLookup } from '../../shared/scenes/scene-inspection.ts';
import { RefusedError, UnreachableError, UsageError } from '../support/exit-codes.ts';
import type { SubmitFlags } from './build-document.ts';
import type { PrepareTools } from './prepare.ts';
import type { UnderstoodScene } from './understand-scene.ts';

/** Shared storage that workers mount, as it looks from this machine. */
export interface SharedStorage {
  /** What paths inside scenes lead to. */
  lookup: SharedLookup;
  /** The name that workers know a file of this machine by; undefined where they do not see it. */
  fileOf: (file: string) => Promise<RootFile | undefined>;
}

/** A root's folder on this machine. */
interface Place {
  name: string;
  prefix: string;
  /** Without links. */
  real: string;
}

export const NO_SHARED: SharedStorage = {
  lookup: () => undefined,
  fileOf: () => Promise.resolve(undefined),
};

/** The kinds of paths that this machine can have. */
const HERE: readonly RootSystem[] = process.platform === 'win32' ? ['windows', 'unc'] : ['linux', 'mac'];

/**
 * The farm's shared storage; none with `--upload`, and while the farm does not answer, which is said when it is needed.
 * @throws UsageError for a FARMHAND_ROOTS that cannot be understood
 */
export async function sharedStorage(
  flags: Pick<SubmitFlags, 'upload'>,
  { farm }: Pick<PrepareTools, 'farm'>,
): Promise<SharedStorage> {
  if (flags.upload === true) return NO_SHARED;
  const roots = await rootsOf(farm);
  if (roots.length === 0) return NO_SHARED;
  const places = await placesHere(roots);
  return {
    lookup: (path) => {
      const found = fileOnRoot(path, roots, places);
      if (found === undefined) return undefined;
      const place = places.find(({ name }) => name === found.root);
      return { ...found, folder: place?.prefix ?? null };
    },
    fileOf: (file) => fileOf(file, places),
  };
}

async function rootsOf(farm: PrepareTools['farm']): Promise<StorageRoot[]> {
  try {
    return (await (await farm()).read(['roots'], rootsSchema)).roots;
  } catch (error) {
    if (error instanceof UnreachableError || error instanceof RefusedError) return [];
    throw error;
  }
}

async function placesHere(roots: readonly StorageRoot[]): Promise<Place[]> {
  const text = process.env['FARMHAND_ROOTS'] ?? '';
  const overrides = parseRootOverrides(text);
  if (overrides === undefined)
    throw new UsageError(`FARMHAND_ROOTS is ${JSON.stringify(text)}; expected ${ROOT_OVERRIDES_RULE}.`);
  const candidates = roots.flatMap((root) => {
    const own = overrides.filter(({ name }) => name === root.name).map(({ prefix }) => prefix);
    const prefixes = own.length > 0 ? own : HERE.flatMap((system) => root[system] ?? []);
    return [...new Set(prefixes)].map((prefix) => ({ name: root.name, prefix }));
  });
  const found = await Promise.all(
    candidates.map(async (place) => {
      const real = await realpath(place.prefix).catch(() => undefined); // not mounted here
      return real === undefined ? [] : [{ ...place, real }];
    }),
  );
  return found.flat();
}

/** By the longest folder. A link that leads out of a root is no file of it: workers would refuse it. */
async function fileOf(file: string, places: readonly Place[]): Promise<RootFile | undefined> {
  const real = await realpath(file).catch(() => undefined); // whoever reads it says that it is not there
  if (real === undefined) return undefined;
  const found = places.flatMap(({ name, prefix, real: folder }) => {
    const inside = below(folder, real);
    if (inside === undefined || inside === '') return [];
    // As people call it, where that lies in the root, too.
    const called = below(prefix, resolve(file));
    return [
      { root: name, path: called === undefined || called === '' ? inside : called, length: folder.length },
    ];
  });
  const [first] = found.sort((a, b) => b.length - a.length);
  return first && { root: first.root, path: first.path };
}

/**
 * A scene that lies on shared storage with all that it needs, as the job document names it.
 * @returns undefined when it has to be uploaded
 * @throws UsageError for files that workers would not see
 */
export async function sceneOnStorage(
  scene: UnderstoodScene,
  storage: SharedStorage,
): Promise<{ scene: string; roots: string[] } | undefined> {
  const own = scene.files.find(({ path }) => path === scene.scenePath);
  const there = own && (await storage.fileOf(own.file));
  if (there === undefined) return undefined;
  const roots = new Set(scene.roots);
  const unseen: string[] = [];
  for (const { file } of scene.files) {
    const found = await storage.fileOf(file);
    if (found) roots.add(found.root);
    else unseen.push(file);
  }
  if (unseen.length > 0)
    throw new UsageError(
      `The scene is on shared storage (${rootReference(there)}), but needs files that are not; nothing was submitted:\n` +
        `${unseen.map((file) => `  ${file}`).join('\n')}\n` +
        'Put them on shared storage, or submit with --upload.',
    );
  roots.delete(there.root);
  return { scene: rootReference(there), roots: [...roots].sort() };
}
