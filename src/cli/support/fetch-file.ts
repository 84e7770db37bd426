import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { UnreachableError } from './exit-codes.ts';
import { getLink } from './get-link.ts';

/** A file that a link leads to, and what it must be. */
export interface LinkedFile {
  name: string;
  url: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** Files up to this size are taken in one piece: nothing of them is worth going on with. */
const IN_MEMORY_BYTES = 8_388_608;

/**
 * Fetches a file to `<name>.part`, then gives it its name: a file under its own name is always whole. What an earlier try
 * left of a large one is gone on with.
 * @returns false when the link has expired
 * @throws FarmError `internal` for other bytes than promised, `unavailable` when it cannot be written; UnreachableError;
 * the signal's reason
 */
export async function fetchFile(file: LinkedFile, path: string, signal: AbortSignal): Promise<boolean> {
  const part = `${path}.part`;
  try {
    const from = file.bytes > IN_MEMORY_BYTES ? await partBytes(part, file) : 0;
    const got = from > 0 && (await fetchRest(file, part, from, signal));
    // What was there may be of an older rendering: then all of it is fetched.
    if (got !== 'whole' && (await fetchWhole(file, part, signal)) === 'expired') return false;
    await rename(part, path);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FarmError) throw error;
    if (isLocalTrouble(error))
      throw new FarmError('unavailable', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
    throw new UnreachableError(`${file.name} could not be downloaded (${messageOf(error)}).`, {
      cause: error,
    });
  }
}

/** How much an earlier try has left. */
async function partBytes(part: string, { bytes }: LinkedFile): Promise<number> {
  const found = await stat(part).catch(() => undefined);
  return found?.isFile() === true && found.size < bytes ? found.size : 0;
}

async function fetchRest(
  file: LinkedFile,
  part: string,
  from: number,
  signal: AbortSignal,
): Promise<'whole' | 'other'> {
  // Before the link is opened: a large part takes longer to read than a store waits.
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(part, { signal })) hash.update(chunk as Buffer);
  const response = await getLink(file.url, from, signal);
  if (response.statusCode !== 206) {
    response.destroy();
    return 'other';
  }
  await save(response, hash, createWriteStream(part, { flags: 'a' }));
  return hash.digest('hex') === file.sha256 ? 'whole' : 'other';
}

async function fetchWhole(file: LinkedFile, part: string, signal: AbortSignal): Promise<'whole' | 'expired'> {
  const response = await getLink(file.url, 0, signal);
  if (response.statusCode === 403) {
    response.resume();
    return 'expired';
  }
  if (response.statusCode !== 200)
    throw new Error(`status ${response.statusCode ?? ''}: ${(await text(response)).slice(0, 300)}`);
  const hash = createHash('sha256');
  if (file.bytes <= IN_MEMORY_BYTES) {
    const bytes = await buffer(response);
    hash.update(bytes);
    await writeFile(part, bytes);
  } else await save(response, hash, createWriteStream(part));
  if (hash.digest('hex') === file.sha256) return 'whole';
  await rm(part, { force: true });
  throw new FarmError(
    'internal',
    `${file.name} arrived with other bytes than the farm stored (SHA-256 differs). Download it again.`,
  );
}

async function save(
  body: Readable,
  hash: ReturnType<typeof createHash>,
  target: NodeJS.WritableStream,
): Promise<void> {
  const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(body, hashed, target);
}

const LOCAL_CODES = new Set([
  'ENOSPC',
  'EACCES',
  'EPERM',
  'EROFS',
  'EISDIR',
  'EDQUOT',
  'ENOENT',
  'ENAMETOOLONG',
]);

function isLocalTrouble(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && LOCAL_CODES.has(error.code)
  );
}
