import { opendir, realpath, stat } from 'node:fs/promises';
import { messageOf } from '../../shared/domain/errors.ts';
import { askStorage } from './ask-storage.ts';

/** `real`: the folder without links. */
export type MountState = { mounted: true; real: string } | { mounted: false; reason: string };

/**
 * Whether shared storage is there: a folder with something in it. A mount point on which nothing is mounted is an empty
 * folder, and every scene would be missing from it.
 */
export async function checkMount(prefix: string): Promise<MountState> {
  try {
    return await askStorage(prefix, () => look(prefix));
  } catch (error) {
    return { mounted: false, reason: messageOf(error) };
  }
}

async function look(prefix: string): Promise<MountState> {
  const real = await realpath(prefix);
  if (!(await stat(real)).isDirectory()) return { mounted: false, reason: `${prefix} is not a folder` };
  const folder = await opendir(real);
  try {
    if ((await folder.read()) !== null) return { mounted: true, real };
    return { mounted: false, reason: `${prefix} is empty: nothing is mounted there` };
  } finally {
    await folder.close();
  }
}
