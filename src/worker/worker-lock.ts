import { statSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { takeLockFile, type Lock } from '../shared/lifecycle/lock-file.ts';
import { identityOf, isRunning, type ProcessIdentity } from '../shared/lifecycle/process-identity.ts';

const TOUCH_EVERY_MS = 10_000;
/** A lock of another host (a shared folder) counts as held while it was touched this recently. */
const FOREIGN_FRESH_MS = 60_000;

interface LockHolder extends ProcessIdentity {
  host: string;
}

/**
 * Takes a lock in a folder that workers share, perhaps those of several machines. One whose process is gone is taken over.
 * @returns undefined when another process holds it
 */
export function takeWorkerLock(file: string): Lock | undefined {
  const own: LockHolder = { host: hostname(), ...identityOf(process.pid) };
  const lock = takeLockFile(file, own, (holder) => isHeld(file, holder));
  if ('holder' in lock) return undefined;
  const timer = setInterval(() => touch(file), TOUCH_EVERY_MS);
  timer.unref();
  return {
    release: () => {
      clearInterval(timer);
      lock.release();
    },
  };
}

function isHeld(lock: string, holder: LockHolder): boolean {
  if (holder.host !== hostname()) return Date.now() - statSync(lock).mtimeMs < FOREIGN_FRESH_MS;
  return isRunning(holder);
}

function touch(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}
