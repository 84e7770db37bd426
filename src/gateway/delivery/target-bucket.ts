import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { statusOf, targetError } from './target-errors.ts';

const MIB = 1_048_576;
const PART_BYTES = 8 * MIB;
/** S3 takes at most 10,000 parts. */
const MOST_PARTS = 9_000;

/** What a file must be at its place. */
export interface WantedFile {
  key: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/**
 * What stands at a place. `sha256` is null where the store does not say; `noted` is what an earlier delivery wrote beside
 * it. `unknown`: the key may not look.
 */
export type Found = { bytes: number; sha256: string | null; noted: string | null } | 'nothing' | 'unknown';

/**
 * A bucket that the farm delivers to, spoken to with the target's key. Every method throws what `targetError` makes, or the
 * signal's reason.
 */
export class TargetBucket {
  readonly name: string;
  readonly #s3: S3Client;
  readonly #who: { target: string; accessKeyId: string };
  readonly #signal: AbortSignal;

  constructor(
    s3: S3Client,
    bucket: string,
    who: { target: string; accessKeyId: string },
    signal: AbortSignal,
  ) {
    this.#s3 = s3;
    this.name = bucket;
    this.#who = who;
    this.#signal = signal;
  }

  /** Some servers answer to a bucket that is not there as if they were ill. A key that may not ask is left to its puts. */
  async assertThere(): Promise<void> {
    try {
      await this.#s3.send(new HeadBucketCommand({ Bucket: this.name }), { abortSignal: this.#signal });
    } catch (error) {
      if (statusOf(error) === 403) return;
      throw this.#error(error, 'HeadBucket', 's3:ListBucket', '');
    }
  }

  async look(key: string): Promise<Found> {
    try {
      const head = await this.#s3.send(
        new HeadObjectCommand({ Bucket: this.name, Key: key, ChecksumMode: 'ENABLED' }),
        { abortSignal: this.#signal },
      );
      const noted = head.Metadata?.['sha256'] ?? null;
      return { bytes: head.ContentLength ?? 0, sha256: checksumOf(head), noted };
    } catch (error) {
      if (statusOf(error) === 404) return 'nothing';
      // A key that may only write is told this of every place, whether something stands there or not.
      if (statusOf(error) === 403) return 'unknown';
      throw this.#error(error, 'HeadObject', 's3:GetObject', key);
    }
  }

  /**
   * Stores bytes; the store is given their checksum and refuses others.
   * @returns the checksum that the store says it has, where it does
   */
  async put(file: WantedFile, body: Buffer, type: string): Promise<string | null> {
    const input = {
      Bucket: this.name,
      Key: file.key,
      Body: body,
      ContentType: type,
      ChecksumSHA256: Buffer.from(file.sha256, 'hex').toString('base64'),
      Metadata: { sha256: file.sha256 },
    };
    try {
      const stored = await this.#s3.send(new PutObjectCommand(input), { abortSignal: this.#signal });
      return stored.ChecksumSHA256 === undefined ? null : hexOf(stored.ChecksumSHA256);
    } catch (error) {
      throw this.#error(error, 'PutObject', 's3:PutObject', file.key);
    }
  }

  /** Stores a stream in parts, each with its checksum. An upload that fails or is aborted leaves no parts behind. */
  async putParts(
    file: { key: string; bytes: number; sha256?: string },
    body: Readable,
    type: string,
  ): Promise<void> {
    const signal = this.#signal;
    const upload = new Upload({
      client: this.#s3,
      queueSize: 1,
      partSize: Math.max(PART_BYTES, Math.ceil(file.bytes / MOST_PARTS)),
      params: {
        Bucket: this.name,
        Key: file.key,
        Body: body,
        ContentType: type,
        ChecksumAlgorithm: 'SHA256',
        ...(file.sha256 === undefined ? {} : { Metadata: { sha256: file.sha256 } }),
      },
    });
    const stop = (): void => void upload.abort();
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      await upload.done();
    } catch (error) {
      throw this.#error(error, 'UploadPart', 's3:PutObject and s3:AbortMultipartUpload', file.key);
    } finally {
      signal.removeEventListener('abort', stop);
      body.destroy();
    }
  }

  /**
   * Has the store copy an object that it has itself.
   * @returns false when this key may not read the source: then the bytes have to go through the farm
   */
  async copyFrom(source: { bucket: string; key: string }, file: WantedFile, type: string): Promise<boolean> {
    const input = {
      Bucket: this.name,
      Key: file.key,
      CopySource: `${source.bucket}/${source.key.split('/').map(encodeURIComponent).join('/')}`,
      MetadataDirective: 'REPLACE' as const,
      ContentType: type,
      Metadata: { sha256: file.sha256 },
      ChecksumAlgorithm: 'SHA256' as const,
    };
    try {
      await this.#s3.send(new CopyObjectCommand(input), { abortSignal: this.#signal });
      return true;
    } catch (error) {
      if (statusOf(error) === 403 || statusOf(error) === 404) return false;
      throw this.#error(error, 'CopyObject', 's3:PutObject', file.key);
    }
  }

  /** The SHA-256 of what stands there, read back. */
  async readBack(key: string): Promise<string> {
    try {
      const object = await this.#s3.send(new GetObjectCommand({ Bucket: this.name, Key: key }), {
        abortSignal: this.#signal,
      });
      const hash = createHash('sha256');
      for await (const chunk of object.Body as AsyncIterable<Buffer>) hash.update(chunk);
      return hash.digest('hex');
    } catch (error) {
      throw this.#error(error, 'GetObject', 's3:GetObject', key);
    }
  }

  #error(error: unknown, action: string, right: string, key: string) {
    this.#signal.throwIfAborted();
    return targetError(error, { action, right, bucket: this.name, key, ...this.#who });
  }
}

/** Of the whole object: that of one in parts is made of its parts' checksums and says nothing here. */
function checksumOf({ ChecksumSHA256, ChecksumType }: HeadObjectCommandOutput): string | null {
  if (ChecksumSHA256 === undefined || ChecksumType === 'COMPOSITE' || ChecksumSHA256.includes('-'))
    return null;
  return hexOf(ChecksumSHA256);
}

const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');
