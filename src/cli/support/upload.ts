import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isSafePath, type AssetManifest } from '../../shared/contracts/manifest.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { hashFile } from '../../shared/storage/hash-file.ts';
import { UnreachableError, UsageError } from './exit-codes.ts';
import type { FarmClient } from './farm-client.ts';
import { patiently } from './patience.ts';
import { forEachParallel } from './pool.ts';
import type { Progress } from './progress.ts';
import { formatBytes } from './table.ts';

/** A file on this machine and its place in the asset. */
export interface LocalFile {
  /** Relative, with `/`. */
  path: string;
  file: string;
}

export interface HashedFile extends LocalFile {
  size: number;
  sha256: string;
}

interface UploadOptions {
  client: FarmClient;
  /** Absent: nothing is shown. */
  progress?: Progress;
  signal: AbortSignal;
  /** What is being uploaded, for the progress line. */
  label: string;
}

const FILES_PER_PLAN = 1_000;
const PARALLEL_UPLOADS = 8;
const PARALLEL_HASHES = 4;
/** What S3 takes in one request. */
const MAX_FILE_BYTES = 5_368_709_120;
/** Less is there before anybody could look. */
const WORTH_SHOWING_BYTES = 5_000_000;

/**
 * Stores files as one asset. Only what the farm does not have yet is sent, so an upload that was cut off goes on where it
 * stopped.
 * @returns the asset's SHA-256, as `asset:<sha256>/<path>` names it.
 * @throws UsageError when a file cannot be read or its name cannot be stored; RefusedError, UnreachableError.
 */
export async function uploadAsset(files: readonly LocalFile[], options: UploadOptions): Promise<string> {
  const hashed = await hashFiles(files, options.signal);
  const unique = [...new Map(hashed.map((file) => [file.sha256, file])).values()];
  const total = unique.reduce((sum, file) => sum + file.size, 0);
  let sent = 0;
  const show = (bytes: number): void => {
    sent += bytes;
    if (total < WORTH_SHOWING_BYTES) return;
    options.progress?.update('upload', {
      label: options.label,
      done: sent,
      total,
      note: 'uploaded',
      format: formatBytes,
    });
  };
  for (const page of planPages(unique)) await uploadPage(page, options, show);
  const reply = await options.client.registerAsset(toManifest(hashed));
  return reply.sha256;
}

/** Sends what the farm lacks of a page of files. Links hold for some minutes only, so the rest is asked for again. */
async function uploadPage(
  page: readonly HashedFile[],
  options: UploadOptions,
  show: (bytes: number) => void,
): Promise<void> {
  const { signal, progress } = options;
  const say = (text: string): void => progress?.note(text);
  let open = page;
  for (;;) {
    const targets = await patiently(() => missingFiles(open, options), { signal, say });
    const missing = open.filter((file) => targets.has(file.sha256));
    show(open.reduce((sum, file) => sum + (targets.has(file.sha256) ? 0 : file.size), 0));
    const expired: HashedFile[] = [];
    await forEachParallel(missing, PARALLEL_UPLOADS, async (file) => {
      const target = targets.get(file.sha256);
      if (target === undefined) return;
      if (await patiently(() => putFile(file, target, signal), { signal, say })) show(file.size);
      else expired.push(file);
    });
    if (expired.length === 0) return;
    if (expired.length === open.length)
      throw new UnreachableError("The farm's storage does not accept the links that the farm gave out.");
    open = expired;
  }
}

/** At most 1,000 files a question. */
export function planPages<T>(files: readonly T[], size = FILES_PER_PLAN): T[][] {
  const pages: T[][] = [];
  for (let at = 0; at < files.length; at += size) pages.push(files.slice(at, at + size));
  return pages;
}

export function toManifest(files: readonly HashedFile[]): AssetManifest {
  return { version: 1, files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })) };
}

interface Target {
  url: string;
  headers: Record<string, string>;
}

async function missingFiles(
  page: readonly HashedFile[],
  { client }: UploadOptions,
): Promise<Map<string, Target>> {
  const plan = await client.planAssets({ files: page.map(({ sha256, size }) => ({ sha256, size })) });
  return new Map(plan.uploads.map(({ sha256, url, headers }) => [sha256, { url, headers }]));
}

/** @returns false when the link has expired. */
async function putFile(file: HashedFile, target: Target, signal: AbortSignal): Promise<boolean> {
  let response: Response;
  try {
    // A Blob on disk is streamed with its length known, and fails when the file changes meanwhile.
    const body = await openAsBlob(file.file);
    response = await fetch(target.url, { method: 'PUT', headers: target.headers, body, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new UnreachableError(`The farm's storage did not take ${file.path} (${messageOf(error)}).`, {
      cause: error,
    });
  }
  const answer = await response.text();
  if (response.ok) return true;
  if (response.status === 403) return false;
  if (response.status === 400 && answer.includes('BadDigest'))
    throw new UsageError(`${file.file} changed while it was being uploaded; submit it again.`);
  throw new UnreachableError(
    `The farm's storage did not take ${file.path} (status ${response.status}: ${answer.slice(0, 300)}).`,
  );
}

/**
 * SHA-256 and size of every file, read once.
 * @throws UsageError naming the file.
 */
export async function hashFiles(files: readonly LocalFile[], signal: AbortSignal): Promise<HashedFile[]> {
  const hashed: HashedFile[] = [];
  const places = files.map((file, index) => ({ file, index }));
  await forEachParallel(places, PARALLEL_HASHES, async ({ file, index }) => {
    signal.throwIfAborted();
    if (!isSafePath(file.path))
      throw new UsageError(
        `The file name ${JSON.stringify(file.path)} cannot be stored: it must be a relative path without "..", backslashes or control characters. Rename it.`,
      );
    const { bytes: size, sha256 } = await hashLocalFile(file.file);
    if (size > MAX_FILE_BYTES)
      throw new UsageError(
        `${file.file} has ${formatBytes(size)}; a file of an asset may have up to ${formatBytes(MAX_FILE_BYTES)}.`,
      );
    hashed[index] = { ...file, size, sha256 };
  });
  return hashed;
}

/** @throws UsageError when the file cannot be read. */
export async function hashLocalFile(file: string): Promise<{ bytes: number; sha256: string }> {
  try {
    return await hashFile(file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

export async function fileSize(file: string): Promise<number> {
  return (await stat(file)).size;
}
