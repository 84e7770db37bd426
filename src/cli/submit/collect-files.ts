import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { messageOf } from '../../shared/domain/errors.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { LocalFile } from '../support/upload.ts';

const MAX_FILES = 100_000;

/** What file managers and version control leave behind, and nobody renders. */
const LEFT_OUT = new Set(['.git', '.svn', '.hg', '.DS_Store', 'Thumbs.db', 'desktop.ini', '__MACOSX']);

/**
 * Every file of a folder, sorted by path.
 * @throws UsageError when something cannot be read, a link leaves the folder, or there are too many files.
 */
export async function collectFiles(folder: string): Promise<LocalFile[]> {
  const root = await realpath(folder);
  const files: LocalFile[] = [];
  const open = [root];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of await entriesOf(at)) {
      if (LEFT_OUT.has(entry.name)) continue;
      const file = join(at, entry.name);
      if (entry.isDirectory()) open.push(file);
      else if (entry.isFile() || (entry.isSymbolicLink() && (await isFileInside(file, root))))
        files.push({ path: relative(root, file).split(sep).join('/'), file });
      if (files.length > MAX_FILES)
        throw new UsageError(`${folder} holds more than ${MAX_FILES.toLocaleString('en')} files.`);
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw new UsageError(`The folder ${folder} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Links to files of the same folder are followed; what they point to elsewhere was perhaps not meant to be shared. */
async function isFileInside(link: string, root: string): Promise<boolean> {
  let target: string;
  try {
    target = await realpath(link);
  } catch (error) {
    throw new UsageError(`The link ${link} points to nothing. Remove it or put the file in its place.`, {
      cause: error,
    });
  }
  if (!target.startsWith(root + sep))
    throw new UsageError(`The link ${link} leaves the folder (${target}). Put the file itself in its place.`);
  if (!(await stat(target)).isFile())
    throw new UsageError(`The link ${link} points to a folder. Put the folder itself in its place.`);
  return true;
}
