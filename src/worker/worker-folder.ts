import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FarmError, messageOf } from '../shared/domain/errors.ts';

const TOUCH_EVERY_MS = 10_000;
/** A lock of another host (a shared folder) counts as held while it was touched this recently. */
const FOREIGN_FRESH_MS = 60_000;
const MOST_WORKERS = 256;

/** A worker process's own place in a folder that several may share. */
export interface WorkerFolder {
  /** 1, 2 …: the same again after a restart, as long as nobody else took it. */
  number: number;
  /** Scratch of this process alone, empty at first. */
  workDir: string;
  /** Files by hash, shared by all workers on the folder. */
  cacheDir: string;
  release: () => void;
}

interface LockHolder {
  host: string;
  pid: number;
  /** Ticks since boot at which the process started: a later process may have the same pid. */
  startTime: string;
}

/**
 * Claims the first free place in `folder`.
 * @throws FarmError when the folder cannot be written to or has no free place
 */
export function claimWorkerFolder(folder: string): WorkerFolder {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let number = 1; number <= MOST_WORKERS; number++) {
      const lock = join(folder, `worker-${number}.lock`);
      if (!takeLock(lock)) continue;
      const workDir = join(folder, `work-${number}`);
      rmSync(workDir, { recursive: true, force: true });
      mkdirSync(workDir, { mode: 0o700 });
      const timer = setInterval(() => touch(lock), TOUCH_EVERY_MS);
      timer.unref();
      const release = (): void => {
        clearInterval(timer);
        rmSync(workDir, { recursive: true, force: true });
        rmSync(lock, { force: true });
      };
      return { number, workDir, cacheDir: join(folder, 'cache'), release };
    }
  } catch (error) {
    throw new FarmError('unavailable', `The worker folder ${folder} cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
  throw new FarmError(
    'unavailable',
    `${MOST_WORKERS} workers use the folder ${folder} already; give this one another.`,
  );
}

/** The worker's id where none is set: the host's name, made fit for a subject, and the place's number. */
export function defaultWorkerId(number: number): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${host.slice(0, 50) || 'worker'}-${number}`;
}

function takeLock(path: string): boolean {
  for (let tries = 0; tries < 2; tries++) {
    try {
      const fd = openSync(path, 'wx', 0o600);
      writeSync(
        fd,
        JSON.stringify({ host: hostname(), pid: process.pid, startTime: startTime(process.pid) }),
      );
      closeSync(fd);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      try {
        if (isHeld(path)) return false;
      } catch (gone) {
        if ((gone as NodeJS.ErrnoException).code !== 'ENOENT') throw gone;
      }
      rmSync(path, { force: true });
    }
  }
  return false;
}

function isHeld(path: string): boolean {
  const ageMs = Date.now() - statSync(path).mtimeMs;
  let holder: LockHolder;
  try {
    holder = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Its writer died before it wrote, unless it is being written just now.
    return ageMs < 1_000;
  }
  if (holder.host !== hostname()) return ageMs < FOREIGN_FRESH_MS;
  return startTime(holder.pid) === holder.startTime;
}

/** Where there is no /proc (macOS; not run here) a pid that runs counts as the same process. */
function startTime(pid: number): string {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return 'running';
    } catch {
      return 'gone';
    }
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return 'gone';
  }
}

function touch(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}
