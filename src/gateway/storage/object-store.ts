import {
  GetObjectCommand,
  HeadObjectCommand,
  NotFound,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Readable } from 'node:stream';
import { FarmError } from '../../shared/domain/errors.ts';
import { assetKey } from '../../shared/storage/keys.ts';

/** Links to results and pictures hold five minutes; an upload may wait behind others. */
const DOWNLOAD_SECONDS = 300;
const UPLOAD_SECONDS = 900;

export interface SignedUpload {
  url: string;
  headers: Record<string, string>;
}

interface StoredObject {
  bytes: number;
  /** Uploaded in parts: S3 has checked each part, and not the whole. */
  fromParts: boolean;
}

/** The farm's bucket: looking at objects, small ones written, and links by which others read and write. */
export class ObjectStore {
  readonly #s3: S3Client;
  readonly #signer: S3Client;
  readonly #bucket: string;

  /** @param signer a client whose endpoint is the address that browsers and command lines use. */
  constructor(s3: S3Client, signer: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#signer = signer;
    this.#bucket = bucket;
  }

  /** @returns the object's size in bytes, or undefined where there is none. */
  async size(key: string): Promise<number | undefined> {
    return (await this.look(key))?.bytes;
  }

  /** @returns undefined where there is none. */
  async look(key: string): Promise<StoredObject | undefined> {
    try {
      const head = await this.#s3.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      // S3 marks the tag of an object that was put together from parts by their number.
      return { bytes: head.ContentLength ?? 0, fromParts: /-\d+"?$/.test(head.ETag ?? '') };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Stores bytes at the key that their SHA-256 makes; the store checks that they arrived whole. */
  async putAsset(sha256: string, bytes: Uint8Array, contentType: string): Promise<void> {
    await this.#s3.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: assetKey(sha256),
        Body: bytes,
        ContentType: contentType,
        ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
      }),
    );
  }

  /**
   * @param part.from the first byte that is wanted
   * @param part.signal ends the request; a stream that was given out is the caller's to end
   * @returns the object's bytes as a stream, or undefined where there is none
   * @throws FarmError `too-large` for more than `mostBytes`
   */
  async read(
    key: string,
    mostBytes = Infinity,
    { from = 0, signal }: { from?: number; signal?: AbortSignal } = {},
  ): Promise<Readable | undefined> {
    try {
      const Range = from === 0 ? undefined : `bytes=${from}-`;
      const object = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range }),
        signal === undefined ? {} : { abortSignal: signal },
      );
      const stream = object.Body as Readable;
      const bytes = object.ContentLength ?? 0;
      if (bytes <= mostBytes) return stream;
      stream.destroy();
      throw new FarmError(
        'too-large',
        `The stored object ${key} has ${bytes} bytes; at most ${mostBytes} are read. Upload it again.`,
      );
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /**
   * A small object, into memory.
   * @returns undefined where there is none
   * @throws FarmError `too-large` for more than `mostBytes`, of which nothing is read
   */
  async readWhole(key: string, mostBytes: number): Promise<Buffer | undefined> {
    const stream = await this.read(key, mostBytes);
    return stream && Buffer.concat((await stream.toArray()) as Buffer[]);
  }

  /** @param fileName saves under this name instead of showing in the page. */
  signDownload(key: string, fileName?: string): Promise<string> {
    const disposition = fileName === undefined ? undefined : contentDisposition(fileName);
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(disposition === undefined ? {} : { ResponseContentDisposition: disposition }),
    });
    return getSignedUrl(this.#signer, command, { expiresIn: DOWNLOAD_SECONDS });
  }

  /** A link that takes exactly the bytes with this SHA-256: the checksum is a signed header. */
  async signAssetUpload(sha256: string): Promise<SignedUpload> {
    const checksum = Buffer.from(sha256, 'hex').toString('base64');
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: assetKey(sha256),
      ChecksumSHA256: checksum,
    });
    const url = await getSignedUrl(this.#signer, command, {
      expiresIn: UPLOAD_SECONDS,
      unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
    });
    return { url, headers: { 'x-amz-checksum-sha256': checksum } };
  }
}

/** RFC 6266: a plain name for old programs, and the true one in UTF-8. */
export function contentDisposition(fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(fileName.toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof NotFound || error instanceof NoSuchKey;
}
