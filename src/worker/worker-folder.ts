import { randomInt } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FarmError, messageOf } from '../shared/domain/errors.ts';
import { takeWorkerLock } from './worker-lock.ts';

const MOST_WORKERS = 256;

/** A worker process's own place in a folder that several may share. */
export interface WorkerFolder {
  /** 1, 2 …: the same again after a restart, as long as nobody else took it. */
  number: number;
  /** Four letters and digits that stay with the folder: machines of one name, such as clones, are told apart by them. */
  mark: string;
  /** Scratch of this process alone, empty at first. */
  workDir: string;
  /** Files by hash, shared by all workers on the folder. */
  cacheDir: string;
  release: () => void;
}

/**
 * Claims the first free place in `folder`.
 * @throws FarmError when the folder cannot be written to or has no free place
 */
export function claimWorkerFolder(folder: string): WorkerFolder {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const mark = markOf(folder);
    for (let number = 1; number <= MOST_WORKERS; number++) {
      const lock = takeWorkerLock(join(folder, `worker-${number}.lock`));
      if (lock === undefined) continue;
      const workDir = join(folder, `work-${number}`);
      rmSync(workDir, { recursive: true, force: true });
      mkdirSync(workDir, { mode: 0o700 });
      const release = (): void => {
        rmSync(workDir, { recursive: true, force: true });
        lock.release();
      };
      return { number, mark, workDir, cacheDir: join(folder, 'cache'), release };
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

/** The folder's mark, made by whoever comes first: two workers with one id would be taken for one that restarts. */
function markOf(folder: string): string {
  const path = join(folder, 'mark');
  const fresh = randomInt(36 ** 4)
    .toString(36)
    .padStart(4, '0');
  const own = `${path}.${process.pid}`;
  writeFileSync(own, fresh, { mode: 0o600 });
  try {
    linkSync(own, path); // whole or not at all
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(own);
  }
  const mark = readFileSync(path, 'utf8').trim();
  if (!/^[a-z0-9]{4}$/.test(mark))
    throw new Error(`${path} does not hold four letters and digits; remove it`);
  return mark;
}

/** The worker's id where none is set: the host's name, made fit for a subject, the folder's mark, the place's number. */
export function defaultWorkerId({ mark, number }: Pick<WorkerFolder, 'mark' | 'number'>): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${host.slice(0, 50) || 'worker'}-${mark}-${number}`;
}
