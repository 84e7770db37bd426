import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

/**
 * When a process started, as an opaque text: clock ticks since boot on Linux (proc(5), field 22), `ps` elsewhere.
 * @returns undefined when no such process is there, or when it has ended and only waits to be reaped.
 */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return startTimeFromPs(pid);
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

export function isRunning(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

/** @throws Error when `pid` is not running. */
export function identityOf(pid: number): ProcessIdentity {
  const startTime = startTimeOf(pid);
  if (startTime === undefined) throw new Error(`No process ${pid} is running.`);
  return { pid, startTime };
}

/** Sends a signal to the process group that a process leads, or to the process when it leads none. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
      return;
    } catch (error) {
      if (!isNoSuchProcess(error)) throw error;
    }
  }
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until a process has ended. @returns false when it still runs after `timeoutMs`. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (isRunning(identity)) {
    if (Date.now() >= end) return false;
    await pause(25);
  }
  return true;
}

/** Ends processes that nobody waits for any more: SIGTERM to all, then SIGKILL to what is left after `timeoutMs`. */
export async function endProcesses(identities: readonly ProcessIdentity[], timeoutMs: number): Promise<void> {
  const running = identities.filter(isRunning);
  for (const identity of running) signalGroup(identity.pid, 'SIGTERM');
  await Promise.all(
    running.map(async (identity) => {
      if (await waitForEnd(identity, timeoutMs)) return;
      if (isRunning(identity)) signalGroup(identity.pid, 'SIGKILL');
      await waitForEnd(identity, 5_000);
    }),
  );
}
