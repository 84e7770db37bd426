import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { FarmError, messageOf } from '../shared/domain/errors.ts';
import type { Logger } from '../shared/logging/logger.ts';
import { backOffMs, pause } from './execution/retry.ts';
import type { Problems } from './reporting/problems.ts';

const MIB = 1_048_576;
/** Files up to this size are sent from memory, where the bytes sent are certainly the bytes hashed. */
const IN_MEMORY_BYTES = 8 * MIB;
const MULTIPART_BYTES = 64 * MIB;
const PUT_SECONDS = 60;
/** The slowest link that is waited for; slower transfers are begun again. */
const LEAST_BYTES_PER_SECOND = 128 * 1024;
const PROBLEM = 'storage';

export interface StoredFile {
  path: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** S3 as a worker uses it: every call is tried until it succeeds or nobody wants it any more. */
export class ObjectStore {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #problems: Problems;
  readonly #log: Logger;

  constructor(s3: S3Client, bucket: string, problems: Problems, log: Logger) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#problems = problems;
    this.#log = log;
  }

  /**
   * Stores a file with its checksum, which the server verifies. Waits for a storage that is away however long it takes.
   * @throws the signal's reason when it aborts
   */
  async put(key: string, file: StoredFile, contentType: string, signal: AbortSignal): Promise<void> {
    const body = file.bytes <= IN_MEMORY_BYTES ? await readFile(file.path) : null;
    await this.#untilItWorks(
      `store ${key}`,
      signal,
      (limit) =>
        file.bytes > MULTIPART_BYTES
          ? this.#putParts(key, file, contentType, limit)
          : this.#putWhole(key, file, body ?? createReadStream(file.path), contentType, limit),
      file.bytes,
    );
  }

  /**
   * Brings an object to a new file and hashes it on the way.
   * @returns its SHA-256, hexadecimal
   * @throws FarmError `not-found`; the signal's reason
   */
  async download(key: string, path: string, signal: AbortSignal): Promise<string> {
    return this.#untilItWorks(`fetch ${key}`, signal, async (limit) => {
      const input = { Bucket: this.#bucket, Key: key };
      const answer = await this.#s3.send(new GetObjectCommand(input), { abortSignal: limit });
      const hash = createHash('sha256');
      const hashing = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(answer.Body as Readable, hashing, createWriteStream(path, { mode: 0o600, flush: true }));
      return hash.digest('hex');
    });
  }

  async #putWhole(
    key: string,
    file: StoredFile,
    body: Buffer | Readable,
    contentType: string,
    limit: AbortSignal,
  ): Promise<void> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      ContentLength: file.bytes,
      ContentType: contentType,
      ChecksumSHA256: Buffer.from(file.sha256, 'hex').toString('base64'),
    });
    await this.#s3.send(command, { abortSignal: limit });
  }

  /** Parts carry checksums of their own; the whole file's stands in the metadata, as S3 keeps only one of the parts'. */
  async #putParts(key: string, file: StoredFile, contentType: string, limit: AbortSignal): Promise<void> {
    const upload = new Upload({
      client: this.#s3,
      partSize: 16 * MIB,
      queueSize: 3,
      params: {
        Bucket: this.#bucket,
        Key: key,
        Body: createReadStream(file.path),
        ContentType: contentType,
        ChecksumAlgorithm: 'SHA256',
        Metadata: { sha256: file.sha256 },
      },
    });
    const onAbort = (): void => void upload.abort();
    limit.addEventListener('abort', onAbort, { once: true });
    try {
      await upload.done();
    } finally {
      limit.removeEventListener('abort', onAbort);
    }
  }

  async #untilItWorks<T>(
    what: string,
    signal: AbortSignal,
    work: (limit: AbortSignal) => Promise<T>,
    bytes = 0,
  ): Promise<T> {
    const seconds = PUT_SECONDS + bytes / LEAST_BYTES_PER_SECOND;
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      try {
        const result = await withTimeout(seconds, signal, work);
        this.#problems.clear(PROBLEM);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (isMissing(error))
          throw new FarmError('not-found', `There is no object for "${what}".`, { cause: error });
        if (isLocal(error)) throw error;
        this.#log.warn(
          { what, tries: tries + 1, reason: messageOf(error) },
          'the storage did not do it; trying again',
        );
        this.#problems.set(PROBLEM, `The storage does not answer as it should: ${messageOf(error)}`);
        await pause(backOffMs(tries, 200, 10_000), signal);
      }
    }
  }
}

/** AbortSignal.timeout() would keep a timer for each of thousands of calls long after it ended. */
async function withTimeout<T>(
  seconds: number,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const onAbort = (): void => limit.abort(signal.reason);
  const timer = setTimeout(() => {
    limit.abort(new FarmError('unavailable', `The storage did not finish within ${Math.round(seconds)} s.`));
  }, seconds * 1000);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof FarmError && error.code === 'not-found';
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

const LOCAL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EMFILE', 'ENOENT', 'EIO']);

/** A trouble of this machine's disk, which no waiting for the storage ends. */
function isLocal(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && LOCAL_CODES.has(code) && syscall !== 'connect';
}
