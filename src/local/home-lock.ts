import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { identityOf, isRunning, type ProcessIdentity } from './processes/process-identity.ts';

/** Somebody else holds the home. */
export interface LockHolder {
  holder: ProcessIdentity;
}

/**
 * Takes a home for this process. The lock names its owner by process id and start time, so one that was left by a
 * killed process, or from before a reboot, is recognised and taken over.
 * @returns what gives it back, or who holds it.
 */
export function takeHomeLock(file: string): { release: () => void } | LockHolder {
  const own = identityOf(process.pid);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    for (;;) {
      if (linkOnce(draft, file)) return { release: () => releaseLock(file, own) };
      const holder = readHolder(file);
      if (holder === undefined) continue;
      if (isRunning(holder)) return { holder };
      removeStale(file, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** A hard link appears with its content or not at all. */
function linkOnce(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Moves the lock away; where that caught a fresh lock instead, because another start was quicker, it is put back. */
function removeStale(file: string, stale: ProcessIdentity): void {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved !== undefined && (moved.pid !== stale.pid || moved.startTime !== stale.startTime))
    linkOnce(aside, file);
  rmSync(aside, { force: true });
}

function releaseLock(file: string, own: ProcessIdentity): void {
  const holder = readHolder(file);
  if (holder?.pid === own.pid && holder.startTime === own.startTime) rmSync(file, { force: true });
}
