import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { readFile, type FileHandle } from 'node:fs/promises';
import { Transform, Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  GetObjectCommand,
  PutObjectCommand,
  type GetObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { FarmError } from '../shared/domain/errors.ts';
import type { Logger } from '../shared/logging/logger.ts';
import type { Problems } from './reporting/problems.ts';
import { DownloadLimit } from './download-limit.ts';
import { StorageRetry } from './storage-retry.ts';
import type { TransferLimit } from './transfer-limit.ts';
import type { WorkerMetrics } from './telemetry/worker-metrics.ts';

const MIB = 1_048_576;
/** Files up to this size are sent from memory, where the bytes sent are certainly the bytes hashed. */
const IN_MEMORY_BYTES = 8 * MIB;
const MULTIPART_BYTES = 64 * MIB;

/** What an object must have: as many bytes as was said of it, or at least and at most. */
export interface ObjectSize {
  leastBytes: number;
  mostBytes: number;
}

const ANY_SIZE: ObjectSize = { leastBytes: 0, mostBytes: Infinity };

export interface StoredFile {
  path: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
  /** What is in it, where somebody has read it already. */
  body?: Buffer;
}

/** S3 as a worker uses it: every call is tried until it succeeds or nobody wants it any more. */
export class ObjectStore {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #metrics: WorkerMetrics;
  readonly #retry: StorageRetry;
  readonly #downloads: DownloadLimit;

  constructor(
    s3: S3Client,
    bucket: string,
    problems: Problems,
    metrics: WorkerMetrics,
    log: Logger,
    downloads = new DownloadLimit(null),
  ) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#metrics = metrics;
    this.#retry = new StorageRetry(problems, log);
    this.#downloads = downloads;
  }

  /**
   * Stores a file with its checksum, which the server verifies. Waits for a storage that is away however long it takes.
   * @throws the signal's reason when it aborts
   */
  async put(key: string, file: StoredFile, contentType: string, signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const body = file.body ?? (file.bytes <= IN_MEMORY_BYTES ? await readFile(file.path) : null);
    await this.#retry.untilItWorks(
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
   * @param size that the object must have; another one is not fetched
   * @returns its SHA-256, hexadecimal
   * @throws FarmError `not-found`, `refused` for another size; the signal's reason
   */
  async download(
    key: string,
    path: string,
    signal: AbortSignal,
    size: ObjectSize = ANY_SIZE,
  ): Promise<string> {
    return this.#retry.untilItWorks(`fetch ${key}`, signal, async (limit) => {
      const input = { Bucket: this.#bucket, Key: key };
      const answer = await this.#s3.send(new GetObjectCommand(input), { abortSignal: limit.signal });
      assertSize(key, answer.ContentLength ?? 0, size);
      const hash = createHash('sha256');
      const hashing = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      const target = createWriteStream(path, { mode: 0o600, flush: true });
      await pipeline(...this.#incoming(answer, limit), hashing, target, { signal: limit.signal });
      return hash.digest('hex');
    });
  }

  /**
   * Brings a part of an object to its place in a file.
   * @param totalBytes that the whole object must have
   * @throws FarmError `not-found`, `refused` for another size; the signal's reason
   */
  async downloadRange(
    key: string,
    range: { start: number; bytes: number; totalBytes: number },
    file: FileHandle,
    signal: AbortSignal,
  ): Promise<void> {
    const { start, bytes, totalBytes } = range;
    const Range = `bytes=${start}-${start + bytes - 1}`;
    await this.#retry.untilItWorks(`fetch ${key} from byte ${start}`, signal, async (limit) => {
      const input = { Bucket: this.#bucket, Key: key, Range };
      const answer = await this.#s3.send(new GetObjectCommand(input), { abortSignal: limit.signal });
      const total = Number(/\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1] ?? answer.ContentLength);
      assertSize(key, total, { leastBytes: totalBytes, mostBytes: totalBytes });
      if (answer.ContentLength !== bytes)
        throw new FarmError('refused', `The storage gave other bytes of ${key} than ${Range}.`);
      const target = writeAt(file, start);
      await pipeline(...this.#incoming(answer, limit), target, { signal: limit.signal });
    });
  }

  /** An answer's bytes, as fast as the worker may take them and as long as they take. */
  #incoming(answer: GetObjectCommandOutput, limit: TransferLimit): [Readable, Transform] {
    const bytes = answer.ContentLength ?? 0;
    limit.allow(bytes);
    const limited = this.#downloads.stream(limit.signal, () => limit.allow(bytes));
    return [answer.Body as Readable, limited];
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
}

/** Nothing is fetched that could not be right: a small name may stand for bytes without end. */
function assertSize(key: string, bytes: number, { leastBytes, mostBytes }: ObjectSize): void {
  if (bytes >= leastBytes && bytes <= mostBytes) return;
  const expected = leastBytes === mostBytes ? `${leastBytes}` : `${leastBytes} to ${mostBytes}`;
  throw new FarmError('refused', `The object ${key} has ${bytes} bytes in the storage, not ${expected}.`);
}

function writeAt(file: FileHandle, start: number): Writable {
  let position = start;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const at = position;
      position += chunk.byteLength;
      writeAll(file, chunk, at).then(() => done(), done);
    },
  });
}

async function writeAll(file: FileHandle, chunk: Buffer, at: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, at + done);
    done += bytesWritten;
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
