import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import { isAbsoluteAnywhere } from '../domain/file-address.ts';
import { isSafePath } from '../contracts/manifest.ts';

export interface SceneFile {
  /** Relative to {@link SceneInspection.root}, with forward slashes. */
  path: string;
  absolute: string;
  bytes: number;
}

/** A value of the scene that data can replace. */
export interface DataSlot {
  name: string;
  kind: 'text' | 'colour' | 'number' | 'image' | 'value';
}

/** What a scene file says about itself. */
export interface SceneInspection {
  engine: 'lottie' | 'povray' | 'blender' | 'html' | 'inkscape' | 'synfig';
  /** Version of the program that wrote it, as far as the file says: `3.4`. */
  madeWith: string | null;
  /**
   * Absolute path of the folder that the scene and its files lie in. Where files outside the scene's own folder come
   * along, the folder around all of them.
   */
  root: string;
  /** The scene, relative to `root`. */
  scene: string;
  /** `a-b`, or a single number. */
  frames: string;
  fps: number | null;
  width: number | null;
  height: number | null;
  /** The scene itself and what it needs beside it, as far as that can be seen without rendering. */
  files: SceneFile[];
  /** Absolute paths in the scene that lie in this folder mean files of `root`; null where it has no such path. */
  origin: string | null;
  /** Shared storage that absolute paths in the scene lead to, by name: such files do not come along. */
  roots: string[];
  /** In Blender's words: several pictures of one file. The one that is rendered comes first. */
  scenes: string[];
  cameras: string[];
  slots: DataSlot[];
  /** What it needs and is not there, or may not come along: one line each, for people. */
  missing: string[];
  /** What may come out wrong. */
  warnings: string[];
  notes: string[];
}

/** What of an inspection most engines have nothing to say about. */
export const NOTHING_MORE: Pick<
  SceneInspection,
  'madeWith' | 'origin' | 'roots' | 'scenes' | 'cameras' | 'slots' | 'warnings'
> = { madeWith: null, origin: null, roots: [], scenes: [], cameras: [], slots: [], warnings: [] };

/**
 * The shared storage that an absolute path of any system lies on, the file's path below it, and where the storage is on this
 * machine (null: it is not mounted here).
 */
export type SharedLookup = (
  path: string,
) => { root: string; path: string; folder: string | null } | undefined;

/** Where a scene's files may come from. */
export interface InspectOptions {
  /** Files outside the scene's folder may come along, too: it lies on a machine of whoever asks. */
  outside?: boolean;
  /** The folder that absolute paths were right in, where the scene was copied from. */
  origin?: string;
  /** Files on shared storage need not come along: workers mount it. */
  shared?: SharedLookup;
}

export const frameRange = (first: number, last: number): string =>
  first === last ? `${first}` : `${first}-${last}`;

/**
 * Gathers the files that a scene refers to. Only files inside `root` come along: a scene that names
 * `../../.ssh/id_rsa` must not make its sender upload it.
 */
export class NeededFiles {
  readonly root: string;
  readonly missing: string[] = [];
  readonly #files = new Map<string, SceneFile>();
  readonly #shared: SharedLookup;
  readonly #roots = new Set<string>();

  /**
   * @param root an absolute path without links (`realpath`)
   * @param shared of engines that find files on shared storage by any system's paths
   */
  constructor(root: string, shared: SharedLookup = () => undefined) {
    this.root = root;
    this.#shared = shared;
  }

  /** Shared storage that files lie on. */
  get roots(): string[] {
    return [...this.#roots];
  }

  get files(): SceneFile[] {
    return [...this.#files.values()];
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /**
   * Adds the file at `reference`, relative to the folder of the file that names it.
   * @param from path of the file that refers to it, relative to `root`
   * @returns its path relative to `root` when it is there and inside; otherwise undefined, and `missing` says why
   */
  async add(reference: string, from: string): Promise<string | undefined> {
    if (await this.isShared(reference)) return undefined;
    const path = posix.normalize(posix.join(posix.dirname(from), reference.replaceAll('\\', '/')));
    if (reference.startsWith('/') || /^[A-Za-z]:/.test(reference)) {
      this.missing.push(
        `${reference} (an absolute path, which other machines do not have; make it relative)`,
      );
      return undefined;
    }
    if (path.startsWith('..')) {
      this.missing.push(`${reference} (outside the folder; submit the folder around both)`);
      return undefined;
    }
    if (await this.#addInside(path)) return path;
    this.missing.push(from === '' ? reference : `${reference} (named in ${from})`);
    return undefined;
  }

  /** Adds a file by its path relative to `root`, when it is there; says nothing when it is not. */
  async addIfThere(path: string): Promise<boolean> {
    return !path.startsWith('..') && (await this.#addInside(path));
  }

  /** Adds every file of a folder whose name the test accepts. @returns how many */
  async addMatching(folder: string, matches: (name: string) => boolean): Promise<number> {
    if (folder.startsWith('..')) return 0;
    let count = 0;
    for (const name of await namesIn(join(this.root, folder))) {
      if (matches(name) && (await this.#addInside(posix.join(folder, name)))) count++;
    }
    return count;
  }

  /** Whether a file lies on shared storage and need not come along. One that is looked for here and is not there is missing all the same. */
  async isShared(reference: string): Promise<boolean> {
    const found = isAbsoluteAnywhere(reference) ? this.#shared(reference) : undefined;
    if (found === undefined) return false;
    this.#roots.add(found.root);
    if (found.folder !== null && !(await isOnStorage(found.folder, found.path)))
      this.missing.push(`${reference} (not on storage root ${found.root})`);
    return true;
  }

  async #addInside(path: string): Promise<boolean> {
    if (this.#files.has(path)) return true;
    if (!isSafePath(path)) return false;
    const absolute = join(this.root, path);
    const real = await realpath(absolute).catch(() => undefined); // not there: the caller says so
    if (real === undefined || !isInside(real, this.root)) return false;
    const info = await stat(real);
    if (!info.isFile()) return false;
    this.#files.set(path, { path, absolute, bytes: info.size });
    return true;
  }
}

/** Whether storage has the file. Windows, which may have made the path, tells no capitals from small letters. */
export async function isOnStorage(folder: string, path: string): Promise<boolean> {
  let at = folder;
  for (const part of path.split('/')) {
    const names = await namesIn(at);
    const same = names.find((name) => name.toLowerCase() === part.toLowerCase());
    if (same === undefined) return false;
    at = join(at, names.includes(part) ? part : same);
  }
  const found = await stat(at).catch(() => undefined); // a link to nothing
  return found?.isFile() === true;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return []; // no such folder: it holds no such file
  }
}

function isInside(path: string, root: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** Root and relative path of a scene: its own folder, unless it is named as `entry` of a folder. */
export async function locateScene(path: string, entry?: string): Promise<{ root: string; scene: string }> {
  if (entry !== undefined) return { root: await realpath(path), scene: posix.normalize(entry) };
  const root = await realpath(dirname(path));
  return { root, scene: relative(dirname(path), path) };
}
