import { openAsBlob } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { PartsReply } from '../../shared/contracts/asset-api.ts';
import { RefusedError, UnreachableError } from '../support/exit-codes.ts';
import { hashPart } from '../../shared/storage/hash-file.ts';
import { forEachParallel } from '../support/pool.ts';
import { changedFile, isUntouched } from './hash-files.ts';
import type { HashedFile } from './local-file.ts';
import { putBytes } from './put-bytes.ts';
import type { SendTools } from './send-parcels.ts';

const PARALLEL_PARTS = 4;
/** An upload can end under somebody's hands: another client completes it, or the farm gives it up. */
const MOST_BEGINNINGS = 5;

/**
 * Uploads a big file in parts, each read from disk as it is sent: the memory that it takes depends on neither their size nor
 * the file's. What is there of it, from an upload that was cut off, is not sent again.
 * @throws UsageError when the file changed meanwhile; UnreachableError, RefusedError
 */
export async function putParts(file: HashedFile, tools: SendTools): Promise<void> {
  const handle = await open(file.file, 'r');
  try {
    for (let beginnings = 1; ; beginnings++) {
      const begun = await tools.patiently(() => tools.client.beginParts(file));
      if (begun.uploadId === null) break;
      tools.show(begun.stored.length * begun.partBytes);
      if (await putAll(file, handle, { ...begun, uploadId: begun.uploadId }, tools)) break;
      if (beginnings === MOST_BEGINNINGS)
        throw new UnreachableError(
          `The upload of ${file.path} in parts was ended by others again and again.`,
        );
    }
  } finally {
    await handle.close();
  }
  await verify(file, tools);
}

/** @returns false when the upload is over and has to be begun again. */
async function putAll(
  file: HashedFile,
  handle: FileHandle,
  begun: PartsReply & { uploadId: string },
  tools: SendTools,
): Promise<boolean> {
  const { uploadId, partBytes } = begun;
  const stored = new Set(begun.stored);
  const hashes: string[] = [];
  const parts = Array.from({ length: Math.ceil(file.size / partBytes) }, (_, index) => index);
  const ended = new AbortController();
  const content = await openAsBlob(file.file);
  await forEachParallel(parts, PARALLEL_PARTS, async (index) => {
    if (ended.signal.aborted) return;
    const from = index * partBytes;
    const partSha256 = await hashOf(file, handle, from, Math.min(partBytes, file.size - from), tools);
    hashes[index] = partSha256;
    if (stored.has(index + 1)) return;
    const part = { sha256: file.sha256, uploadId, part: index + 1, partSha256 };
    const bytes = content.slice(from, from + partBytes);
    if (!(await tools.patiently(() => putPart(part, bytes, file, tools)))) ended.abort();
  });
  if (ended.signal.aborted) return false;
  if (!(await isUntouched(file))) throw changedFile(file, tools.hashes);
  const { sha256, size } = file;
  try {
    await tools.patiently(() => tools.client.completeParts({ sha256, size, uploadId, parts: hashes }));
  } catch (error) {
    if (isOver(error)) return false;
    throw error;
  }
  return true;
}

/** @returns false when the upload is over */
async function putPart(
  part: { sha256: string; uploadId: string; part: number; partSha256: string },
  bytes: Blob,
  file: HashedFile,
  { client, hashes, signal, show }: SendTools,
): Promise<boolean> {
  const what = `part ${part.part} of ${file.path}`;
  const link = await client.partLink(part);
  const { outcome } = await putBytes(link, bytes, what, signal).catch(async (error: unknown) => {
    signal.throwIfAborted();
    // A Blob on disk cannot be read any more once somebody has written to the file.
    throw (await isUntouched(file)) ? error : changedFile(file, hashes);
  });
  if (outcome === 'no-such-upload') return false;
  if (outcome === 'other-bytes' && !(await isUntouched(file))) throw changedFile(file, hashes);
  if (outcome !== 'stored')
    throw new UnreachableError(`The farm's storage did not take ${what} (${outcome}).`);
  show(bytes.size);
  return true;
}

async function hashOf(
  file: HashedFile,
  handle: FileHandle,
  at: number,
  size: number,
  { hashes, signal }: SendTools,
): Promise<string> {
  signal.throwIfAborted();
  const { bytes, sha256 } = await hashPart(handle, at, size);
  if (bytes < size) throw changedFile(file, hashes); // it has become shorter
  return sha256;
}

/** The farm hashes the whole, which takes some seconds a gigabyte. */
async function verify(file: HashedFile, tools: SendTools): Promise<void> {
  const { sha256, size } = file;
  try {
    while ((await tools.patiently(() => tools.client.verifyParts({ sha256, size }))).state !== 'verified')
      tools.signal.throwIfAborted();
  } catch (error) {
    if (error instanceof RefusedError && error.code === 'invalid') throw changedFile(file, tools.hashes);
    throw error;
  }
}

function isOver(error: unknown): boolean {
  return error instanceof RefusedError && (error.code === 'not-found' || error.code === 'conflict');
}
