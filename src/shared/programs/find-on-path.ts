import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Windows runs `blender.exe` where `blender` is asked for. */
const ENDING = process.platform === 'win32' ? '.exe' : '';

/** The first runnable file of that name on `PATH`. */
export function findOnPath(program: string, path = process.env['PATH'] ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, `${program}${ENDING}`))
    .find(isProgram);
}

/** Whether there is a file that this process may run; a folder is none. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not to be run by us: the same to who asks
  }
}
