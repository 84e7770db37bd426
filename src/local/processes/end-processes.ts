import { setTimeout as pause } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from '../../shared/lifecycle/process-identity.ts';

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
