import { readdirSync, readFileSync } from 'node:fs';
import type { Platform } from './platform.ts';
import { posixGuard } from './posix-guard.ts';
import { isGroupKnown, signalGroup } from './posix-group.ts';

/** Linux: process groups, and /proc for what is in them. */
export const linux: Platform = {
  rootSystems: ['linux'],
  guardCommand: posixGuard,
  groupMemoryBytes: (leader) =>
    Promise.resolve(descendants(leader).reduce((sum, pid) => sum + residentBytes(pid), 0)),
  // Zombies, which wait for some init to reap them, do not count.
  isGroupAlive: (group) => Promise.resolve(isGroupKnown(group) && hasLivingMember(group)),
  signalGroup,
};

/** Children, their children …, by the kernel's own lists: cheap however many processes the machine has. */
function descendants(root: number): number[] {
  const found: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of childrenOf(pid)) {
      found.push(child);
      open.push(child);
    }
  }
  return found;
}

function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    readOrEmpty(`/proc/${pid}/task/${thread}/children`)
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  );
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // the process has just ended
  }
}

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/status`));
  return match ? Number(match[1]) * 1024 : 0;
}

function hasLivingMember(group: number): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((name) => {
      // pid (comm) state ppid pgrp …; the name may hold spaces and parentheses, so what follows the last one counts.
      const stat = readOrEmpty(`/proc/${name}/stat`);
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group && state !== 'Z' && state !== 'X';
    });
}

/** Files of /proc vanish with their process at any moment; then there is nothing to know. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
