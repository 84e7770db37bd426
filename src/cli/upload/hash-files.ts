import { createHash } from 'node:crypto';
import { readFileSync, statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { MAX_OBJECT_BYTES } from '../../shared/contracts/asset-api.ts';
import { isSafePath } from '../../shared/contracts/manifest.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { hashFile } from '../../shared/storage/hash-file.ts';
import { UsageError } from '../support/exit-codes.ts';
import { forEachParallel } from '../support/pool.ts';
import { formatBytes } from '../support/table.ts';
import type { HashedFile, LocalFile } from './local-file.ts';
import type { RecordFile } from './record-file.ts';

const PARALLEL_HASHES = 4;
/** Read at once: for a small file, asking the thread pool takes longer than the disk does. */
const READ_AT_ONCE_BYTES = 131_072;
/** So many at once between two looks at the signals. */
const SMALL_FILES_A_TURN = 200;
/** A file that was written to so lately may be written to again without another time showing it. */
const SETTLED_AFTER_NS = 2_000_000_000n;

/** SHA-256 of files by their mark, from one submission to the next. */
export type HashCache = RecordFile<string>;

interface HashOptions {
  signal: AbortSignal;
  cache: HashCache;
  /** Told how many bytes of the large files, of how many, were read. */
  onRead?: (done: number, total: number) => void;
}

/**
 * SHA-256 and size of every file; those that were hashed before and have not been touched since are not read.
 * @throws UsageError naming the file.
 */
export async function hashFiles(files: readonly LocalFile[], options: HashOptions): Promise<HashedFile[]> {
  const { signal, cache } = options;
  const hashed: HashedFile[] = [];
  const large: { file: LocalFile; index: number; info: BigIntStats }[] = [];
  for (const [index, file] of files.entries()) {
    if (index % SMALL_FILES_A_TURN === 0) await turn();
    signal.throwIfAborted();
    assertStorable(file);
    const info = look(file.file, () => statSync(file.file, { bigint: true }));
    const known = cache.get(markOf(info));
    if (known !== undefined) hashed[index] = toHashed(file, info, known);
    else if (info.size > READ_AT_ONCE_BYTES) large.push({ file, index, info });
    else hashed[index] = hashSmall(file, info, cache);
  }
  const total = large.reduce((sum, { info }) => sum + Number(info.size), 0);
  let done = 0;
  const count = (bytes: number): void => {
    signal.throwIfAborted();
    options.onRead?.((done += bytes), total);
  };
  await forEachParallel(large, PARALLEL_HASHES, async ({ file, index, info }) => {
    hashed[index] = await hashLarge(file, info, cache, count);
  });
  return hashed;
}

/** Whether a file is still what it was when it was hashed. */
export async function isUntouched(file: HashedFile): Promise<boolean> {
  try {
    return markOf(await stat(file.file, { bigint: true })) === file.mark;
  } catch {
    return false; // it is gone
  }
}

/** What is uploaded is not what was hashed. */
export function changedFile(file: HashedFile, cache: HashCache): UsageError {
  cache.forget(file.mark);
  return new UsageError(`${file.file} changed while it was being uploaded; submit it again.`);
}

function hashSmall(file: LocalFile, info: BigIntStats, cache: HashCache): HashedFile {
  const bytes = look(file.file, () => readFileSync(file.file));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  remember(cache, info, sha256);
  return { ...toHashed(file, info, sha256), size: bytes.byteLength };
}

async function hashLarge(
  file: LocalFile,
  info: BigIntStats,
  cache: HashCache,
  onRead: (bytes: number) => void,
): Promise<HashedFile> {
  if (info.size > MAX_OBJECT_BYTES)
    throw new UsageError(
      `${file.file} has ${formatBytes(Number(info.size))}; a file of an asset may have up to ${formatBytes(MAX_OBJECT_BYTES)}.`,
    );
  const { bytes: size, sha256 } = await hashLocalFile(file.file, onRead);
  const hashed = { ...toHashed(file, info, sha256), size };
  if (!(await isUntouched(hashed))) throw changedFile(hashed, cache);
  remember(cache, info, sha256);
  return hashed;
}

/** @throws UsageError when the file cannot be read. */
export async function hashLocalFile(
  file: string,
  onRead?: (bytes: number) => void,
): Promise<{ bytes: number; sha256: string }> {
  try {
    return await hashFile(file, onRead);
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw unreadable(file, error);
    throw error;
  }
}

function assertStorable({ path }: LocalFile): void {
  if (!isSafePath(path))
    throw new UsageError(
      `The file name ${JSON.stringify(path)} cannot be stored: it must be a relative path without "..", backslashes or control characters. Rename it.`,
    );
}

function remember(cache: HashCache, info: BigIntStats, sha256: string): void {
  const newest = info.mtimeNs > info.ctimeNs ? info.mtimeNs : info.ctimeNs;
  const now = BigInt(Date.now()) * 1_000_000n;
  if (now - newest > SETTLED_AFTER_NS) cache.set(markOf(info), sha256);
}

/** The time of the inode is in it, because programs that copy files set the time of writing back. */
function markOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].map((n) => n.toString(36)).join('.');
}

function toHashed(file: LocalFile, info: BigIntStats, sha256: string): HashedFile {
  return { ...file, size: Number(info.size), sha256, mark: markOf(info) };
}

function look<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): UsageError {
  return new UsageError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
}
