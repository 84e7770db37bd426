import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { below } from '../../shared/domain/root-paths.ts';
import { EngineFailure, type MovedFolder } from '../engines/engine.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { askStorage } from './ask-storage.ts';

/**
 * Where an absolute path of any system leads to here.
 * @returns the file without links; undefined when it lies in none of the folders, is not there, or leads out of its folder
 * @throws EngineFailure `host` when storage does not answer
 */
export async function movedPath(path: string, folders: readonly MovedFolder[]): Promise<string | undefined> {
  for (const { from, to } of folders) {
    const rest = below(from, path);
    if (rest === undefined || rest === '') continue;
    const target = await find(to, rest.split('/'));
    const real = await ask(to, () => realpath(target).catch(() => undefined)); // not there
    const root = await ask(to, () => realpath(to).catch(() => undefined)); // not there
    if (real !== undefined && root !== undefined && real.startsWith(root + sep)) return real;
  }
  return undefined;
}

/** Windows, which may have made the path, tells no capitals from small letters; a name as it is written goes first. */
async function find(folder: string, parts: readonly string[]): Promise<string> {
  let at = folder;
  for (const part of parts) {
    const here = at;
    const names = await ask(folder, () => readdir(here).catch((): string[] => [])); // not there: neither is the file
    const same = names.find((name) => name.toLowerCase() === part.toLowerCase());
    at = join(at, names.includes(part) ? part : (same ?? part));
  }
  return at;
}

async function ask<T>(folder: string, look: () => Promise<T>): Promise<T> {
  try {
    return await askStorage(folder, look);
  } catch (error) {
    throw new EngineFailure('host', `Shared storage cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
