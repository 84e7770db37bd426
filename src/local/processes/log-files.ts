import { copyFileSync, existsSync, renameSync, statSync, truncateSync } from 'node:fs';

const KEPT = 3;

/** Before a start: what is there becomes `<file>.1`, that becomes `<file>.2` …; the oldest goes. */
export function rotateLog(file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  for (let number = KEPT - 1; number >= 1; number--)
    if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
  renameSync(file, `${file}.1`);
}

/**
 * While it is written: keeps a copy as `<file>.1` and starts over once it is too long. Writers have it open for
 * appending, so they go on at its new end; lines written between the copy and the cut are lost.
 */
export function trimLog(file: string, maxBytes: number): void {
  if (!existsSync(file) || statSync(file).size <= maxBytes) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}
