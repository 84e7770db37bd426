import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { movedPath } from '../../roots/moved-path.ts';
import type { MovedFolder } from '../engine.ts';

/** Scenes and includes in which paths are looked for; pictures and meshes are not read. */
const LANGUAGE = /\.(?:pov|inc|mac|map)$/i;
const MOST_FILES = 1_000;
const MOST_BYTES = 64 * 1_048_576;
/** A string on one line; POV-Ray reads `\\` as one backslash. */
const STRING = /"((?:[^"\\\r\n]|\\.)*)"/g;
const ABSOLUTE = /^(?:[A-Za-z]:[\\/]|[\\/])/;

/**
 * Makes absolute paths of other machines in a scene, and in what it includes, lead to the files as they lie here. Only copies
 * are written, of those files in which something is otherwise.
 * @param into a folder for the copies
 * @returns the scene to render instead; undefined where it names no such path
 * @throws EngineFailure `host` when storage does not answer
 */
export async function mapPaths(
  scenePath: string,
  folders: readonly MovedFolder[],
  into: string,
): Promise<string | undefined> {
  if (folders.length === 0) return undefined;
  const copies = new Map<string, string | undefined>();
  const folder = dirname(scenePath);

  /** @returns the file's copy, or nothing where it can stay as it is */
  const copyOf = async (path: string): Promise<string | undefined> => {
    if (copies.has(path)) return copies.get(path);
    if ((path !== scenePath && !LANGUAGE.test(path)) || copies.size >= MOST_FILES) return undefined;
    copies.set(path, undefined); // one that includes itself stays as it is
    const place = copies.size; // before those that it includes take theirs
    const text = await read(path);
    if (text === undefined) return undefined;
    const names = new Map<string, string>();
    for (const [, name = ''] of text.matchAll(STRING)) {
      const file = await targetOf(name);
      if (file !== undefined && !file.includes('"')) names.set(name, file);
    }
    if (names.size === 0) return undefined;
    await mkdir(into, { recursive: true });
    const copy = join(into, `mapped-${place}${extname(path)}`);
    const mapped = text.replace(STRING, (whole, name: string) => {
      const file = names.get(name);
      return file === undefined ? whole : `"${latin1(file).replaceAll('\\', '/')}"`;
    });
    await writeFile(copy, mapped, 'latin1');
    copies.set(path, copy);
    return copy;
  };

  const targetOf = async (name: string): Promise<string | undefined> => {
    const path = Buffer.from(name, 'latin1').toString('utf8').replaceAll('\\\\', '\\');
    if (ABSOLUTE.test(path)) {
      const file = await movedPath(path, folders);
      return file && ((await copyOf(file)) ?? file);
    }
    return LANGUAGE.test(path) ? await copyOf(join(folder, ...path.split(/[\\/]/))) : undefined;
  };

  return await copyOf(scenePath);
}

/** Text is taken as bytes, so that whatever it is encoded in comes out as it was. */
async function read(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined); // an include of POV-Ray's own, or the scene's mistake
  return bytes === undefined || bytes.byteLength > MOST_BYTES ? undefined : bytes.toString('latin1');
}

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
