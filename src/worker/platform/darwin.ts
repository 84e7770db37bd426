import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Platform } from './platform.ts';
import { posixGuard } from './posix-guard.ts';
import { isGroupKnown, signalGroup } from './posix-group.ts';

/** macOS: process groups, and ps(1) for what is in them. Not run here: it follows the manual page. */
export const darwin: Platform = {
  rootSystems: ['mac'],
  guardCommand: posixGuard,
  groupMemoryBytes: async (leader) =>
    (await members(leader))
      .filter(({ pid }) => pid !== leader)
      .reduce((sum, { residentBytes }) => sum + residentBytes, 0),
  isGroupAlive: async (group) =>
    isGroupKnown(group) && (await members(group)).some(({ isZombie }) => !isZombie),
  signalGroup,
};

interface Member {
  pid: number;
  residentBytes: number;
  isZombie: boolean;
}

async function members(group: number): Promise<Member[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,pgid=,rss=,stat='], {
    maxBuffer: 16_777_216,
  });
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, pgid]) => Number(pgid) === group)
    .map(([pid, , rss, stat]) => ({
      pid: Number(pid),
      residentBytes: Number(rss ?? 0) * 1024,
      isZombie: stat?.startsWith('Z') ?? false,
    }));
}
