import { findOnPath } from '../../shared/programs/find-on-path.ts';
import { runProgram } from '../downloads/run-program.ts';

/** Compares dotted versions number by number. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number);
  const want = minimum.split('.').map(Number);
  for (const [index, wanted] of want.entries()) {
    const part = have[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

/**
 * A program on the PATH that says it is new enough.
 * @param versionArgs what makes it print its version and end.
 */
export async function findNewEnough(
  program: string,
  versionArgs: readonly string[],
  minimum: string,
): Promise<string | undefined> {
  const found = findOnPath(program);
  if (found === undefined) return undefined;
  try {
    const version = /(\d+\.\d+(?:\.\d+)?)(?=[^\d.GBM]|$)/.exec(await runProgram(found, versionArgs))?.[1];
    return version !== undefined && isAtLeast(version, minimum) ? found : undefined;
  } catch {
    // One that cannot even say its version is of no use; the pinned one is fetched.
    return undefined;
  }
}
