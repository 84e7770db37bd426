import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { FarmError, messageOf } from '../shared/domain/errors.ts';
import type { Logger } from '../shared/logging/logger.ts';
import { backOffMs, pause } from '../shared/lifecycle/retry.ts';
import type { Problems } from './reporting/problems.ts';
import { TransferLimit } from './transfer-limit.ts';
import type { WorkerMetrics } from './telemetry/worker-metrics.ts';

const MIB = 1_048_576;
/** Files up to this size are sent from memory, where the bytes sent are certainly the bytes hashed. */
const IN_MEMORY_BYTES = 8 * MIB;
const MULTIPART_BYTES = 64 * MIB;
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
  readonly #metrics: WorkerMetrics;
  readonly #log: Logger;

  constructor(s3: S3Client, bucket: string, problems: Problems, metrics: WorkerMetrics, log: Logger) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#problems = problems;
    this.#metrics = metrics;
    this.#log = log;
  }

  /**
   * Stores a file with its checksum, which the server verifies. Waits for a storage that is away however long it takes.
   * @throws the signal's reason when it aborts
   */
  async put(key: string, file: StoredFile, contentType: string, signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const body = file.bytes <= IN_MEMORY_BYTES ? await readFile(file.path) : null;
    await this.#untilItWorks(
      `store ${key}`,
      signal,
      ({ signal: limit }) =>
        file.bytes > MULTIPART_BYTES
          ? this.#putParts(key, file, contentType, limit)
          : this.#putWhole(key, file, body, contentType, limit),
      file.bytes,
    );
    this.#metrics.uploaded((performance.now() - startedAt) / 1_000);
  }

  /**
   * Brings an object to a new file and hashes it on the way.
   * @returns its SHA-256, hexadecimal
   * @throws FarmError `not-found`; the signal's reason
   */
  async download(key: string, path: string, signal: AbortSignal): Promise<string> {
    return this.#untilItWorks(`fetch ${key}`, signal, async (limit) => {
      const input = { Bucket: this.#bucket, Key: key };
      const answer = await this.#s3.send(new GetObjectCommand(input), { abortSignal: limit.signal });
      limit.allow(answer.ContentLength ?? 0);
      const hash = createHash('sha256');
      const hashing = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      const target = createWriteStream(path, { mode: 0o600, flush: true });
      await pipeline(answer.Body as Readable, hashing, target, { signal: limit.signal });
      return hash.digest('hex');
    });
  }

  /** @param bytes the file's, or null: then it is read while it is sent */
  async #putWhole(
    key: string,
    file: StoredFile,
    bytes: Buffer | null,
    contentType: string,
    limit: AbortSignal,
  ): Promise<void> {
    const body = bytes ?? openSource(file.path);
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      ContentLength: file.bytes,
      ContentType: contentType,
      ChecksumSHA256: Buffer.from(file.sha256, 'hex').toString('base64'),
    });
    try {
      await this.#s3.send(command, { abortSignal: limit });
    } finally {
      closeSource(body);
    }
  }

  /** Parts carry checksums of their own; the whole file's stands in the metadata, as S3 keeps only one of the parts'. */
  async #putParts(key: string, file: StoredFile, contentType: string, limit: AbortSignal): Promise<void> {
    const body = openSource(file.path);
    const upload = new Upload({
      client: this.#s3,
      partSize: 16 * MIB,
      queueSize: 3,
      params: {
        Bucket: this.#bucket,
        Key: key,
        Body: body,
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
      closeSource(body);
    }
  }

  async #untilItWorks<T>(
    what: string,
    signal: AbortSignal,
    work: (limit: TransferLimit) => Promise<T>,
    bytes = 0,
  ): Promise<T> {
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      try {
        const result = await withLimit(new TransferLimit(signal, bytes), work);
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

async function withLimit<T>(limit: TransferLimit, work: (limit: TransferLimit) => Promise<T>): Promise<T> {
  try {
    return await work(limit);
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    limit.dispose();
  }
}

/**
 * A stream that opens its file a moment after it was asked to. When the transfer has ended by then and the file is gone,
 * nobody hears that it could not be opened, and it must not end the process. While the transfer runs, the client hears it.
 */
function openSource(path: string): ReadStream {
  return createReadStream(path).on('error', () => undefined);
}

/** The SDK leaves a file open when sending it fails, and while the storage is away it fails again and again. */
function closeSource(body: Buffer | Readable): void {
  if (!Buffer.isBuffer(body)) body.destroy();
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
