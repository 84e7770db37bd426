import { constants } from 'node:fs';
import { copyFile, link, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EngineFailure } from '../engines/engine.ts';

/** Gives a cached file its name in a scene. */
export async function placeFile(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  try {
    await link(source, target);
  } catch (error) {
    if (!isLinkingImpossible(error)) throw error;
    await copyFile(source, target, constants.COPYFILE_FICLONE);
  }
}

/** File systems without hard links, or a file that has as many as it can have. */
function isLinkingImpossible(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EPERM' || code === 'EMLINK' || code === 'EXDEV' || code === 'ENOTSUP';
}

const NO_PLACE = new Set(['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'EINVAL', 'EILSEQ']);

/** What it means that a file of a scene cannot have its name here. */
export function placeError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !NO_PLACE.has(code)) return error;
  return new EngineFailure(
    'missing-asset',
    `The scene's file ${JSON.stringify(path)} cannot have this name on this worker (${code}): another one has it already, perhaps in other letters, or it is too long. Rename it and submit the scene again.`,
    { cause: error },
  );
}
