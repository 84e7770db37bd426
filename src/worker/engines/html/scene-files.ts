import { readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { describeValue } from '../../../shared/domain/errors.ts';
import { movedPath } from '../../roots/moved-path.ts';
import type { MovedFolder } from '../engine.ts';
import { contentTypeFor } from './content-types.ts';
import { mapAddresses, pathOnMachine } from './map-addresses.ts';
import { SCENE_ORIGIN } from './scene-origin.ts';

/** A page loads its files whole. */
const MAX_FILE_BYTES = 512 * 1_048_576;

/** What becomes of a request that the page makes. */
export type SceneAnswer =
  | { kind: 'file'; body: Buffer; contentType: string }
  /** `path` as people know it. */
  | { kind: 'missing'; path: string }
  | { kind: 'blocked'; what: string };

/**
 * The files that a page may load: those in its scene's folder, those that it names on shared storage, and nothing else on
 * this machine or elsewhere.
 */
export class SceneFiles {
  readonly #root: string;
  readonly #shared: readonly MovedFolder[];

  private constructor(root: string, shared: readonly MovedFolder[]) {
    this.#root = root;
    this.#shared = shared;
  }

  /**
   * @param root the folder of the scene's asset
   * @param shared where absolute paths of other machines lead to here
   */
  static async in(root: string, shared: readonly MovedFolder[] = []): Promise<SceneFiles> {
    return new SceneFiles(await realpath(root), shared);
  }

  /** The address of a file inside the folder. */
  async addressOf(path: string): Promise<string> {
    const parts = relative(this.#root, await realpath(path)).split(sep);
    return `${SCENE_ORIGIN}/${parts.map(encodeURIComponent).join('/')}`;
  }

  async answer(address: string): Promise<SceneAnswer> {
    const path = pathIn(address);
    const inside = path === null ? null : await realpath(join(this.#root, path)).catch(() => null); // not there
    const file = inside ?? (await this.#onStorage(address));
    if (file === null)
      return path === null ? { kind: 'blocked', what: describeValue(address) } : { kind: 'missing', path };
    const name = path ?? address;
    if (file === inside && !file.startsWith(this.#root + sep))
      return { kind: 'blocked', what: describeValue(name) };
    const { size, isFile } = await stat(file).then((info) => ({ size: info.size, isFile: info.isFile() }));
    if (!isFile) return { kind: 'missing', path: name };
    if (size > MAX_FILE_BYTES) return { kind: 'blocked', what: `${name} (larger than 512 MiB)` };
    const contentType = contentTypeFor(file);
    return { kind: 'file', body: mapAddresses(await readFile(file), contentType, this.#shared), contentType };
  }

  async #onStorage(address: string): Promise<string | null> {
    const path = this.#shared.length === 0 ? null : pathOnMachine(address);
    return path === null ? null : ((await movedPath(path, this.#shared)) ?? null);
  }
}

/** Path of an address inside the scene, without leading slash; null for any other address. */
function pathIn(address: string): string | null {
  try {
    const url = new URL(address);
    // Dots were resolved by the URL's parser; an encoded slash or NUL is a trick.
    const path = decodeURIComponent(url.pathname).slice(1);
    if (url.origin !== SCENE_ORIGIN || /%2f|%5c|%00/i.test(url.pathname)) return null;
    return path === '' ? 'index.html' : path;
  } catch {
    return null; // no address at all
  }
}
