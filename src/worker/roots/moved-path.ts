import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { below } from '../../shared/domain/root-paths.ts';
import type { MovedFolder } from '../engines/engine.ts';

/**
 * Where an absolute path of any system leads to here.
 * @returns the file without links; undefined when it lies in none of the folders, is not there, or leads out of its folder
 */
export async function movedPath(path: string, folders: readonly MovedFolder[]): Promise<string | undefined> {
  for (const { from, to } of folders) {
    const rest = below(from, path);
    if (rest === undefined || rest === '') continue;
    const target = await find(to, rest.split('/'));
    const real = await realpath(target).catch(() => undefined); // not there
    const root = await realpath(to).catch(() => undefined); // not there
    if (real !== undefined && root !== undefined && real.startsWith(root + sep)) return real;
  }
  return undefined;
}

/** Windows, which may have made the path, tells no capitals from small letters; a name as it is written goes first. */
async function find(folder: string, parts: readonly string[]): Promise<string> {
  let at = folder;
  for (const part of parts) {
    const names = await readdir(at).catch((): string[] => []); // not there: neither is the file
    const same = names.find((name) => name.toLowerCase() === part.toLowerCase());
    at = join(at, names.includes(part) ? part : (same ?? part));
  }
  return at;
}
