import { createWriteStream } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { isSafePath } from '../../shared/contracts/manifest.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { UsageError } from '../support/exit-codes.ts';
import { formatBytes } from '../support/table.ts';

/** What an archive may hold, so that a small file cannot fill a disk. */
export interface ZipLimits {
  entries: number;
  /** All files together, unpacked. */
  totalBytes: number;
  /** Unpacked size by packed size; looked at only for files of more than {@link RATIO_FROM_BYTES}. */
  ratio: number;
}

export const ZIP_LIMITS: ZipLimits = { entries: 100_000, totalBytes: 20_000_000_000, ratio: 300 };
const RATIO_FROM_BYTES = 16_000_000;

const ENCRYPTED = 0x1;
const FILE_TYPE = 0o170000;
const SYMLINK = 0o120000;

/**
 * Unpacks a zip archive into an empty folder.
 * @throws UsageError for an archive that is damaged, too large, or whose names would leave the folder.
 */
export async function openZip(
  file: string,
  folder: string,
  limits: ZipLimits = ZIP_LIMITS,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const zip = await open(file);
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      checkEntry(entry, file, limits);
      if (entries.has(entry.fileName)) throw refuse(file, entry, 'is in it twice');
      entries.set(entry.fileName, entry);
      if (entries.size > limits.entries)
        throw new UsageError(`${file} has more than ${limits.entries.toLocaleString('en')} entries.`);
    }
    await checkTotal([...entries.values()], file, folder, limits);
    for (const entry of entries.values()) {
      signal.throwIfAborted();
      await unpack(zip, entry, folder, file);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    signal.throwIfAborted();
    throw new UsageError(`${file} cannot be unpacked: ${messageOf(error)}`, { cause: error });
  } finally {
    zip.close();
  }
}

async function open(file: string): Promise<ZipFile> {
  try {
    // Names are checked here, not by the library, so that the error says what to do.
    return await yauzl.openPromise(file, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
  } catch (error) {
    throw new UsageError(`${file} is not a zip archive that can be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function checkEntry(entry: Entry, file: string, limits: ZipLimits): void {
  const name = entry.fileName.replace(/\/$/, '');
  if (!isSafePath(name)) throw refuse(file, entry, 'would be written outside the folder');
  if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0)
    throw refuse(file, entry, 'is encrypted; pack it without a password');
  if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMLINK)
    throw refuse(file, entry, 'is a link; pack the file it points to');
  const { compressedSize, uncompressedSize } = entry;
  if (uncompressedSize > RATIO_FROM_BYTES && uncompressedSize > compressedSize * limits.ratio)
    throw refuse(file, entry, `unpacks to more than ${limits.ratio} times its size`);
}

async function checkTotal(
  entries: readonly Entry[],
  file: string,
  folder: string,
  limits: ZipLimits,
): Promise<void> {
  const total = entries.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
  if (total > limits.totalBytes)
    throw new UsageError(
      `${file} unpacks to ${formatBytes(total)}; at most ${formatBytes(limits.totalBytes)} are taken.`,
    );
  const disk = await statfs(folder);
  if (total > disk.bavail * disk.bsize)
    throw new UsageError(
      `${file} unpacks to ${formatBytes(total)}, more than is free in ${folder}. Set TMPDIR to another disk.`,
    );
}

async function unpack(zip: ZipFile, entry: Entry, folder: string, file: string): Promise<void> {
  const target = join(folder, entry.fileName);
  if (entry.fileName.endsWith('/')) {
    await mkdir(target, { recursive: true });
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  const source = await zip.openReadStreamPromise(entry);
  let left = entry.uncompressedSize;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.byteLength;
      if (left < 0) done(refuse(file, entry, 'is larger than it says'));
      else done(null, chunk);
    },
  });
  await pipeline(source, bounded, createWriteStream(target, { flags: 'wx' }));
}

function refuse(file: string, entry: Entry, why: string): UsageError {
  return new UsageError(`${file} is not taken: its entry ${JSON.stringify(entry.fileName)} ${why}.`);
}
