import { opendir, realpath, stat } from 'node:fs/promises';
import { messageOf } from '../../shared/domain/errors.ts';

/** A server that is gone leaves a mount that answers nothing: whoever asks it would wait for ever. */
const ANSWERS_WITHIN_MS = 5_000;

/** `real`: the folder without links. */
export type MountState = { mounted: true; real: string } | { mounted: false; reason: string };

/**
 * Whether shared storage is there: a folder with something in it. A mount point on which nothing is mounted is an empty
 * folder, and every scene would be missing from it.
 */
export async function checkMount(prefix: string): Promise<MountState> {
  try {
    return await withinTime(look(prefix), prefix);
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

/** @throws Error when storage does not answer */
export async function withinTime<T>(asked: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} does not answer`)), ANSWERS_WITHIN_MS);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
