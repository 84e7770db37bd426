import { readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { describeValue } from '../../../shared/domain/errors.ts';
import { contentTypeFor } from './content-types.ts';

/** Where the page thinks it comes from. `.invalid` has no addresses (RFC 2606), so nothing there can be reached by mistake. */
export const SCENE_ORIGIN = 'https://scene.invalid';
/** A page loads its files whole. */
const MAX_FILE_BYTES = 512 * 1_048_576;

/** What becomes of a request that the page makes. */
export type SceneAnswer =
  | { kind: 'file'; body: Buffer; contentType: string }
  /** `path` as people know it. */
  | { kind: 'missing'; path: string }
  | { kind: 'blocked'; what: string };

/** The files that a page may load: those in its scene's folder, and nothing else on this machine or elsewhere. */
export class SceneFiles {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** @param root the folder of the scene's asset */
  static async in(root: string): Promise<SceneFiles> {
    return new SceneFiles(await realpath(root));
  }

  /** The address of a file inside the folder. */
  async addressOf(path: string): Promise<string> {
    const parts = relative(this.#root, await realpath(path)).split(sep);
    return `${SCENE_ORIGIN}/${parts.map(encodeURIComponent).join('/')}`;
  }

  async answer(address: string): Promise<SceneAnswer> {
    const path = pathIn(address);
    if (path === null) return { kind: 'blocked', what: describeValue(address) };
    const file = await realpath(join(this.#root, path)).catch(() => null); // not there: answered as missing
    if (file === null) return { kind: 'missing', path };
    if (!file.startsWith(this.#root + sep)) return { kind: 'blocked', what: describeValue(path) };
    const { size, isFile } = await stat(file).then((info) => ({ size: info.size, isFile: info.isFile() }));
    if (!isFile) return { kind: 'missing', path };
    if (size > MAX_FILE_BYTES) return { kind: 'blocked', what: `${path} (larger than 512 MiB)` };
    return { kind: 'file', body: await readFile(file), contentType: contentTypeFor(path) };
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
