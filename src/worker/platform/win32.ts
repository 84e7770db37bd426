import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Platform } from './platform.ts';

/**
 * Windows: a tree of processes below the guard, a small Node program, because there are no process groups. Not run here: it
 * follows the documentation of taskkill and tasklist.
 */
export const win32: Platform = {
  rootSystems: ['windows', 'unc'],
  guardCommand: (argv, lifeline, nice) => [
    process.execPath,
    join(import.meta.dirname, 'win32-guard-main.ts'),
    String(lifeline),
    String(nice),
    ...argv,
  ],
  // Of the guard's children tasklist does not know: their memory is not seen, and no limit on it is kept.
  groupMemoryBytes: () => Promise.resolve(0),
  isGroupAlive: async (leader) => {
    const filter = ['/FI', `PID eq ${leader}`, '/FO', 'CSV', '/NH'];
    const { stdout } = await promisify(execFile)('tasklist', filter);
    return stdout.includes(`"${leader}"`);
  },
  signalGroup: (leader, signal) => {
    // A console program has no other signal that could be sent from outside: only the last one does anything.
    if (signal !== 'SIGKILL') return;
    try {
      execFileSync('taskkill', ['/T', '/F', '/PID', String(leader)], { stdio: 'ignore' });
    } catch (error) {
      // 128: there is no such process any more.
      if ((error as { status?: number | null }).status !== 128) throw error;
    }
  },
};
