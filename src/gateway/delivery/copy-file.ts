import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { objectBytes, type StoredObject } from './object-bytes.ts';
import type { TargetBucket, WantedFile } from './target-bucket.ts';

/** Files up to this size go through memory, so that they are hashed before anything is sent. */
const IN_MEMORY_BYTES = 8_388_608;
/** S3 copies no larger object in one request. */
const MOST_COPIED_BYTES = 5_000_000_000;

export interface CopyTools {
  objects: ObjectStore;
  target: TargetBucket;
  /** The farm's own bucket, where the target's server has it too: then the server copies by itself. */
  sameServer: { bucket: string } | undefined;
  signal: AbortSignal;
}

export interface SourceFile extends StoredObject {
  sha256: string;
}

/** What is wrong with a file in the farm's own storage; others can still be copied. */
export class SourceFileError extends FarmError {
  constructor(message: string, cause?: unknown) {
    super('not-found', message, { cause });
    this.name = 'SourceFileError';
  }
}

/**
 * Puts a file at its place, and makes sure that it stands there with its size and checksum.
 * @returns whether it was there already
 * @throws SourceFileError; TargetRefusedError; FarmError `unavailable` when trying again may help; the signal's reason
 */
export async function copyFile(
  source: SourceFile,
  key: string,
  tools: CopyTools,
): Promise<'copied' | 'kept'> {
  const { target, signal } = tools;
  const wanted: WantedFile = { key, bytes: source.bytes, sha256: source.sha256 };
  if (await isThere(wanted, target)) return 'kept';
  signal.throwIfAborted();
  const type = contentType(key);
  const copied = await copiedByServer(source, wanted, type, tools);
  const told = copied ? null : await send(source, wanted, type, tools);
  if (told === source.sha256) return 'copied';
  await assertArrived(wanted, target, !copied);
  return 'copied';
}

async function isThere({ key, bytes, sha256 }: WantedFile, target: TargetBucket): Promise<boolean> {
  const found = await target.look(key);
  return typeof found === 'object' && found.bytes === bytes && (found.sha256 ?? found.noted) === sha256;
}

async function copiedByServer(
  { key, bytes }: SourceFile,
  wanted: WantedFile,
  type: string,
  { sameServer, target }: CopyTools,
): Promise<boolean> {
  if (sameServer === undefined || bytes > MOST_COPIED_BYTES) return false;
  return await target.copyFrom({ bucket: sameServer.bucket, key }, wanted, type);
}

/** @returns the checksum that the target says it stored, where it does */
async function send(
  source: SourceFile,
  wanted: WantedFile,
  type: string,
  { objects, target, signal }: CopyTools,
): Promise<string | null> {
  if (source.bytes > IN_MEMORY_BYTES) {
    await target.putParts(wanted, Readable.from(hashed(source, objects, signal)), type);
    return null;
  }
  const bytes = await buffer(hashed(source, objects, signal));
  return await target.put(wanted, bytes, type);
}

/** The object's bytes; ends with an error unless they are those that the frame brought. */
async function* hashed(
  source: SourceFile,
  objects: ObjectStore,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of objectBytes(objects, source, signal)) {
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof FarmError) throw new SourceFileError(error.message, error);
    signal.throwIfAborted();
    throw new FarmError('unavailable', `The farm's storage failed at ${source.name}: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (hash.digest('hex') !== source.sha256)
    throw new SourceFileError(`The stored object of ${source.name} has other bytes than its frame brought.`);
}

/**
 * Looks at the place once more. Where the store has no checksum of the whole, bytes that were not hashed on their way are
 * read back.
 */
async function assertArrived(
  { key, bytes, sha256 }: WantedFile,
  target: TargetBucket,
  wasHashed: boolean,
): Promise<void> {
  const found = await target.look(key);
  if (found === 'unknown') {
    // Says which right is missing.
    await target.readBack(key);
    return;
  }
  const wrong = (what: string): FarmError =>
    new FarmError('unavailable', `s3://${target.name}/${key} did not arrive: ${what}.`);
  if (found === 'nothing') throw wrong('nothing stands there');
  if (found.bytes !== bytes) throw wrong(`${found.bytes} bytes stand there, not ${bytes}`);
  const there = found.sha256 ?? (wasHashed ? sha256 : await target.readBack(key));
  if (there !== sha256) throw wrong(`its SHA-256 is ${there}, not ${sha256}`);
}

const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.gif': 'image/gif',
  '.exr': 'image/x-exr',
  '.mp4': 'video/mp4',
  '.mov': 'video/quicktime',
  '.webm': 'video/webm',
  '.json': 'application/json',
};

export function contentType(name: string): string {
  return TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream';
}
