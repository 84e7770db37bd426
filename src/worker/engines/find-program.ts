import { execFile } from 'node:child_process';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Long enough for a machine that is busy rendering. */
const PROBE_MS = 60_000;

/** @returns the absolute path of a program on PATH, or null. */
export async function findOnPath(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, name);
    if (await isProgram(path)) return path;
  }
  return null;
}

export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(await realpath(path))).isFile();
  } catch {
    return false; // not there, or not to be run by us: the same to who asks
  }
}

/**
 * Runs a program to ask for its version and abilities.
 * @returns what it printed on both streams, or null when it cannot be run, fails or does not answer in time
 */
export async function probe(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), LANG: 'C.UTF-8' };
    execFile(
      program,
      args,
      { env, timeout: PROBE_MS, killSignal: 'SIGKILL', maxBuffer: 4_000_000 },
      (error, stdout, stderr) => resolve(error ? null : `${stdout}\n${stderr}`),
    );
  });
}
