import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';

/** Long enough for a machine that is busy rendering. */
const PROBE_MS = 60_000;

/**
 * Runs a program to ask for its version and abilities.
 * @param options `anyExit`: what it prints counts even when it ends with an error
 * @returns what it printed on both streams, or null when it cannot be run, fails or does not answer in time
 */
export async function probe(
  program: string,
  args: readonly string[],
  { anyExit = false }: { anyExit?: boolean } = {},
): Promise<string | null> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), LANG: 'C.UTF-8' };
    execFile(
      program,
      args,
      { env, timeout: PROBE_MS, killSignal: 'SIGKILL', maxBuffer: 4_000_000 },
      (error, stdout, stderr) => {
        const counts = error === null || (anyExit && typeof error.code === 'number');
        resolve(counts ? `${stdout}\n${stderr}` : null);
      },
    );
  });
}
