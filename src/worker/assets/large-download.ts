import { constants } from 'node:fs';
import { appendFile, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { hashFile } from '../../shared/storage/hash-file.ts';
import type { ObjectStore } from '../object-store.ts';
import { settleAll } from './settle-all.ts';

export const RANGE_BYTES = 16_777_216;
const RANGES_AT_ONCE = 4;

interface LargeDownload {
  store: ObjectStore;
  key: string;
  /** Where the bytes go; `<path>.done` beside it says which ranges are there. */
  path: string;
  bytes: number;
  signal: AbortSignal;
}

/**
 * Fetches a big object in ranges, several at once. Ranges that are on the disk from a download that was cut off, by the
 * end of its process or of the machine's power, are not fetched again.
 * @returns the SHA-256 of all that is there now, and whether some of it was there before
 * @throws FarmError `not-found`, `refused`; the signal's reason. What was fetched stays.
 */
export async function downloadLarge(download: LargeDownload): Promise<{ sha256: string; resumed: boolean }> {
  const { path, bytes } = download;
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const done = (await file.stat()).size === bytes ? await rangesDone(journalOf(path)) : new Set<number>();
    if (done.size === 0) {
      await rm(journalOf(path), { force: true });
      await file.truncate(bytes);
    }
    const ranges = Array.from({ length: Math.ceil(bytes / RANGE_BYTES) }, (_, index) => index);
    const open = ranges.filter((index) => !done.has(index));
    await settleAll(open, RANGES_AT_ONCE, (index) => fetchRange(index, file, download));
    await file.sync();
    const { sha256 } = await hashFile(path);
    return { sha256, resumed: done.size > 0 };
  } finally {
    await file.close();
  }
}

/** Forgets what a download left. */
export async function dropDownload(path: string): Promise<void> {
  await rm(journalOf(path), { force: true });
  await rm(path, { force: true });
}

async function fetchRange(
  index: number,
  file: FileHandle,
  { store, key, path, bytes, signal }: LargeDownload,
): Promise<void> {
  const start = index * RANGE_BYTES;
  const range = { start, bytes: Math.min(RANGE_BYTES, bytes - start), totalBytes: bytes };
  await store.downloadRange(key, range, file, signal);
  // First the bytes, then the word that they are there: after a power cut the word must not be alone.
  await file.datasync();
  await appendFile(journalOf(path), `${index}\n`, { mode: 0o600 });
}

function journalOf(path: string): string {
  return `${path}.done`;
}

async function rangesDone(journal: string): Promise<Set<number>> {
  let text: string;
  try {
    text = await readFile(journal, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw error;
  }
  // Of a line that was cut off, a part would name another range: only whole lines count.
  const lines = text.split('\n').slice(0, -1);
  return new Set(lines.filter((line) => /^\d+$/.test(line)).map(Number));
}
