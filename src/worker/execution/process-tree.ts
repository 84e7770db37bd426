import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * What the worker asks of the operating system about process groups; everything else is the same on all platforms.
 * Linux reads /proc. Elsewhere (macOS) `ps` is asked: that branch follows ps(1) and was not run here.
 */
const isLinux = process.platform === 'linux';

interface GroupMember {
  pid: number;
  zombie: boolean;
}

/** Resident memory of a process group's living members but its leader (the guard), in bytes. */
export async function groupMemoryBytes(leader: number): Promise<number> {
  if (!isLinux) return darwinMemory(leader);
  return descendants(leader).reduce((sum, pid) => sum + residentBytes(pid), 0);
}

/** Whether any process of the group still runs. Zombies, which wait for some init to reap them, do not count. */
export async function isGroupAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
  if (!isLinux) return (await darwinMembers(group)).some((member) => !member.zombie);
  return linuxMembers(group).some((member) => !member.zombie);
}

/** Sends a signal to a whole group; a group that is gone is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

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

function linuxMembers(group: number): GroupMember[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      // pid (comm) state ppid pgrp …; the name may hold spaces and parentheses, so what follows the last one counts.
      const stat = readOrEmpty(`/proc/${name}/stat`);
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group ? [{ pid: Number(name), zombie: state === 'Z' || state === 'X' }] : [];
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

async function darwinRows(): Promise<string[][]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,pgid=,rss=,stat='], {
    maxBuffer: 16_777_216,
  });
  return stdout.split('\n').map((line) => line.trim().split(/\s+/));
}

async function darwinMembers(group: number): Promise<GroupMember[]> {
  return (await darwinRows())
    .filter(([, pgid]) => Number(pgid) === group)
    .map(([pid, , , stat]) => ({ pid: Number(pid), zombie: stat?.startsWith('Z') ?? false }));
}

async function darwinMemory(leader: number): Promise<number> {
  return (await darwinRows())
    .filter(([pid, pgid]) => Number(pgid) === leader && Number(pid) !== leader)
    .reduce((sum, [, , rss]) => sum + Number(rss ?? 0) * 1024, 0);
}
