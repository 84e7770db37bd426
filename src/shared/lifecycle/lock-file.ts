import { constants, copyFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface Lock {
  /** Gives it back, unless a later owner has it by now. */
  release: () => void;
}

/** Somebody else holds it. */
export interface Locked<H> {
  holder: H;
}

/**
 * Takes a lock file for this process. It names its owner, so that one which was left by a killed process is recognised
 * and taken over; of several that find it at once, one gets it.
 * @param own who takes it, as JSON
 * @param isHeld whether the owner that stands in the file is still there
 * @returns what gives it back, or who holds it.
 */
export function takeLockFile<H extends object>(
  file: string,
  own: H,
  isHeld: (holder: H) => boolean,
): Lock | Locked<H> {
  const text = JSON.stringify(own);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    for (;;) {
      if (placeOnce(draft, file)) return { release: () => release(file, text) };
      const found = read(file);
      if (found === undefined) continue;
      const holder = parse(found) as H | undefined;
      if (holder !== undefined && isHeld(holder)) return { holder };
      removeStale(file, found);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** A hard link appears with its content or not at all; where there are none, a small copy comes close. */
function placeOnce(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'ENOTSUP') throw error;
  }
  try {
    copyFileSync(draft, file, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns undefined for a lock that a power cut left without its content: nobody holds it */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Moves the lock away; where that caught a fresh lock instead, because another start was quicker, it is put back. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (read(aside) !== stale) placeOnce(aside, file);
  rmSync(aside, { force: true });
}

function release(file: string, text: string): void {
  if (read(file) === text) rmSync(file, { force: true });
}
