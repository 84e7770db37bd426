import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { isSafePath } from '../contracts/manifest.ts';
import { FarmError } from '../domain/errors.ts';
import { isOnStorage, type InspectOptions, type SceneFile } from './scene-inspection.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' ').map((word) => `.${word}`));

/**
 * What a path in a .blend may mean, by the names such files have. A file from outside the scene's folder comes along only
 * under such a name: a scene that names `~/.ssh/id_rsa` as a picture must not make its sender upload it.
 */
const KINDS = {
  library: words('blend'),
  picture: words(
    'png jpg jpeg jp2 j2c tif tiff tga bmp webp exr hdr dpx cin psd psb rgb rgba sgi bw iris dds tx mov mp4 m4v mkv avi mpg mpeg webm ogv mts',
  ),
  font: words('ttf otf ttc woff woff2 pfb pfa'),
  sound: words('wav flac mp3 ogg oga aac m4a ac3 mp2 aif aiff mp4 mov mkv avi webm mpg mpeg'),
  geometry: words('abc usd usda usdc usdz'),
  volume: words('vdb'),
  cache: words('abc vdb bphys uni bobj mdd pc2 exr blob bmesh'),
  light: words('ies'),
} as const;
export type BlenderFileKind = keyof typeof KINDS;

/** Caches have these, too, but so has much else: only from the scene's own folder. */
const CACHES_INSIDE = words('json gz png jpg obj raw');

const MAX_FILES = 100_000;
/** Names that are looked at for one scene, each time that they are. */
const MAX_NAMES = 1_000_000;

/** Gathers the files that a .blend refers to, and finds the folder around all of them. */
export class BlenderFiles {
  readonly missing: string[] = [];
  readonly #home: string;
  readonly #options: InspectOptions;
  readonly #files = new Map<string, number>();
  readonly #outside: string[] = [];
  readonly #roots = new Set<string>();
  #hasAbsolute = false;
  #names = 0;

  /** @param home the scene's folder: an absolute path without links (`realpath`) */
  constructor(home: string, options: InspectOptions) {
    this.#home = home;
    this.#options = options;
  }

  has(file: string): boolean {
    return this.#files.has(file);
  }

  /**
   * Where a path as it stands in a .blend leads to; `//` is the folder of that .blend, and Windows writes `//..\tex\a.png`.
   * @param from absolute path of the .blend
   * @returns undefined for a path that means nothing on this machine
   */
  locate(reference: string, from: string): string | undefined {
    if (reference.startsWith('\\\\')) return process.platform === 'win32' ? resolve(reference) : undefined;
    const path = reference.replaceAll('\\', '/');
    if (path.startsWith('//')) return resolve(dirname(from), path.slice(2));
    const { origin } = this.#options;
    if (origin !== undefined && path.startsWith(`${origin.replace(/\/$/, '')}/`))
      return join(this.#home, path.slice(origin.length));
    if (/^[A-Za-z]:/.test(path)) return process.platform === 'win32' ? resolve(path) : undefined;
    return isAbsolute(path) ? resolve(path) : resolve(dirname(from), path);
  }

  /**
   * Adds the file that a .blend names.
   * @param from absolute path of that .blend
   * @returns its absolute path, or undefined, and `missing` says why
   */
  async add(reference: string, from: string, kind: BlenderFileKind): Promise<string | undefined> {
    const file = this.locate(reference, from);
    const problem = file === undefined ? 'not there' : await this.#take(file, kind);
    if (file !== undefined && problem === undefined) {
      this.#noteAbsolute(reference);
      return file;
    }
    const plain = reference.replaceAll('\\', '/').replace(/^\/\//, '');
    const named = `named in ${this.#shown(from)}`;
    this.missing.push(
      problem === 'not there' ? `${plain} (${named})` : `${plain} (${named}; ${problem ?? ''})`,
    );
    return undefined;
  }

  /**
   * Whether an absolute path lies on shared storage: the file stays there. One that is looked for here and is not there is
   * missing all the same.
   */
  async isShared(reference: string, from: string, isFile: boolean): Promise<boolean> {
    const found = isAbsoluteAnywhere(reference) ? this.#options.shared?.(reference) : undefined;
    if (found === undefined) return false;
    this.#roots.add(found.root);
    if (isFile && found.folder !== null && !(await isOnStorage(found.folder, found.path)))
      this.missing.push(`${reference} (named in ${this.#shown(from)}; not on storage root ${found.root})`);
    return true;
  }

  /** Adds the scene itself. */
  async addScene(file: string): Promise<void> {
    this.#files.set(file, (await stat(file)).size);
  }

  /** Adds every file of the folder that the reference lies in whose name the test accepts. @returns how many */
  async addMatching(
    reference: string,
    from: string,
    kind: BlenderFileKind,
    matches: (name: string) => boolean,
  ): Promise<number> {
    const file = this.locate(reference, from);
    if (file === undefined || !(await this.#mayList(dirname(file)))) return 0;
    let count = 0;
    for (const { name } of await this.#list(dirname(file)))
      if (matches(name) && (await this.#take(join(dirname(file), name), kind)) === undefined) count++;
    if (count > 0) this.#noteAbsolute(reference);
    return count;
  }

  /**
   * Adds a folder with the caches that are in it, as simulations leave them. The path is whatever somebody typed: hidden
   * folders are not entered, and no folder is walked that holds all that somebody has.
   * @returns how many files
   */
  async addFolder(reference: string, from: string): Promise<number> {
    const folder = this.locate(reference, from);
    if (folder === undefined || !(await this.#mayList(folder)) || !(await this.#mayWalk(folder))) return 0;
    const open = [folder];
    let count = 0;
    for (let at = open.pop(); at !== undefined && count < MAX_FILES; at = open.pop()) {
      for (const entry of await this.#list(at)) {
        if (entry.name.startsWith('.')) continue;
        if (entry.isDirectory()) open.push(join(at, entry.name));
        else if (isCache(entry.name) && (await this.#take(join(at, entry.name), 'cache')) === undefined)
          count++;
      }
    }
    if (count > 0) this.#noteAbsolute(reference);
    return count;
  }

  /** The folder around everything that was added, what lies in it, and what of it came from elsewhere. */
  result(): {
    root: string;
    origin: string | null;
    files: SceneFile[];
    outside: string[];
    roots: string[];
  } {
    const root = this.#outside.reduce(around, this.#home);
    const files = [...this.#files].map(([absolute, bytes]) => ({
      path: below(root, absolute),
      absolute,
      bytes,
    }));
    return {
      root,
      origin: this.#hasAbsolute ? root : null,
      files,
      outside: this.#outside,
      roots: [...this.#roots],
    };
  }

  /** Whether a folder may be looked into at all: on a machine of others only the scene's own. */
  async #mayList(folder: string): Promise<boolean> {
    if (this.#options.outside === true) return true;
    const real = await realpath(folder).catch(() => undefined); // not there: nothing to list
    return real !== undefined && isInside(join(real, sep), this.#home);
  }

  async #mayWalk(folder: string): Promise<boolean> {
    const real = await realpath(folder).catch(() => folder); // not there: nothing comes of it
    const person = await realpath(homedir()).catch(() => homedir());
    if (real === dirname(real) || real === person) return false;
    if (isInside(person, real) || isInside(this.#home, real)) return false;
    const apart = relative(around(this.#home, join(real, sep)), real).split(sep);
    return !apart.some((name) => name.startsWith('.'));
  }

  /** @throws FarmError `too-large` when this scene had too many names looked at */
  async #list(folder: string): Promise<Dirent[]> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []); // not there: it holds nothing
    this.#names += entries.length;
    if (this.#names <= MAX_NAMES) return entries;
    throw new FarmError(
      'too-large',
      `The folders that the scene names hold more than ${MAX_NAMES} files, up to ${folder}. Keep its textures and caches in folders of their own.`,
    );
  }

  #noteAbsolute(reference: string): void {
    if (isAbsoluteAnywhere(reference)) this.#hasAbsolute = true;
  }

  #shown(file: string): string {
    return isInside(file, this.#home) ? below(this.#home, file) : file;
  }

  /** @returns why not; undefined when it is taken */
  async #take(file: string, kind: BlenderFileKind): Promise<string | undefined> {
    if (this.#files.has(file)) return undefined;
    const inside = isInside(file, this.#home);
    if (!inside && this.#options.outside !== true)
      return 'outside the folder; submit the folder around both, with relative paths';
    const real = await realpath(file).catch(() => undefined); // not there: the caller says so
    const info = real === undefined ? undefined : await stat(real);
    if (real === undefined || info?.isFile() !== true) return 'not there';
    if (!inside || !isInside(real, this.#home)) {
      if (this.#options.outside !== true) return 'a link that leaves the folder; put the file in its place';
      const endings = KINDS[kind];
      if (!endings.has(extname(file).toLowerCase()) || !endings.has(extname(real).toLowerCase()))
        return `outside the folder, and by its name no ${kind}; put it beside the scene`;
      if (!inside) this.#outside.push(file);
    }
    if (!isSafePath(below(sep, file))) return 'its name cannot be stored';
    this.#files.set(file, info.size);
    return undefined;
  }
}

/** On any system; `//tex/a.png` is relative, in Blender's words. */
const isAbsoluteAnywhere = (reference: string): boolean => /^(\/(?!\/)|[A-Za-z]:|\\\\)/.test(reference);

function isCache(name: string): boolean {
  const ending = extname(name).toLowerCase();
  return KINDS.cache.has(ending) || CACHES_INSIDE.has(ending);
}

const isInside = (file: string, folder: string): boolean =>
  file.startsWith(folder.endsWith(sep) ? folder : folder + sep);

const below = (folder: string, file: string): string => relative(folder, file).split(sep).join('/');

/** The deepest folder that holds both. */
function around(folder: string, file: string): string {
  let at = folder;
  while (!isInside(file, at) && at !== dirname(at)) at = dirname(at);
  return at;
}
