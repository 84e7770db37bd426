import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decoderOf, formatOf } from '../../shared/quality/file-formats.ts';
import { UsageError } from '../support/exit-codes.ts';

/**
 * The files to check, in the order of their names: those that are named, whatever they are, and the pictures and videos of
 * folders that are named. @throws UsageError for a path that is not there, and for a folder without any
 */
export async function findFiles(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    const stats = await stat(path).catch((error: unknown) => {
      throw new UsageError(`${path} cannot be read. Name a picture, a video, or a folder of them.`, {
        cause: error,
      });
    });
    if (!stats.isDirectory()) found.add(path);
    else for (const file of await filesOf(path)) found.add(file);
  }
  return [...found];
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && decoderOf(formatOf(entry.name)) !== null)
    .map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) throw new UsageError(`There is no picture or video in ${folder}.`);
  return files.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
