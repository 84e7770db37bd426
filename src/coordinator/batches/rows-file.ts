import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ManifestFile } from '../../shared/contracts/manifest.ts';
import { FarmError, InvalidInputError, describeValue, messageOf } from '../../shared/domain/errors.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import type { AssetManifests } from '../intake/asset-manifests.ts';

/** A file of rows that is read a piece at a time. */
export interface RowsFile {
  sizeBytes: number;
  /** @returns up to so many bytes, fewer only at the end of the file. @throws FarmError `unavailable` */
  read: (offset: number, most: number) => Promise<Buffer>;
}

/** Opens the files that batches name. */
export class RowsFiles {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #manifests: AssetManifests;

  constructor(s3: S3Client, bucket: string, manifests: AssetManifests) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#manifests = manifests;
  }

  /**
   * @param reference `asset:<sha256>/<path>`
   * @throws InvalidInputError when there is no such file; FarmError `unavailable` when S3 does not answer.
   */
  async open(reference: string): Promise<RowsFile> {
    const slash = reference.indexOf('/');
    const sha256 = reference.slice('asset:'.length, slash);
    const file = await this.#manifests.file(sha256, reference.slice(slash + 1));
    if (!file)
      throw new InvalidInputError('The batch', [
        {
          path: 'rows',
          value: describeValue(reference),
          expected: 'a file of an asset that has been uploaded; this one is not here',
        },
      ]);
    if (file.pack === undefined)
      return {
        sizeBytes: file.size,
        read: async (offset, most) => {
          const end = Math.min(file.size, offset + most);
          return offset >= end ? Buffer.alloc(0) : await this.#range(file.sha256, offset, end);
        },
      };
    const bytes = await this.#unpack(file, file.pack);
    return {
      sizeBytes: bytes.length,
      read: (offset, most) => Promise.resolve(bytes.subarray(offset, offset + most)),
    };
  }

  /** Small files lie in packs. */
  async #unpack(file: ManifestFile, pack: NonNullable<ManifestFile['pack']>): Promise<Buffer> {
    const stored = await this.#range(pack.sha256, pack.offset, pack.offset + pack.size);
    let bytes: Buffer;
    try {
      bytes =
        pack.encoding === undefined
          ? stored
          : zstdDecompressSync(stored, { maxOutputLength: Math.max(1, file.size) });
    } catch (error) {
      throw new FarmError('invalid', `The rows cannot be unpacked: ${messageOf(error)}. Upload them again.`, {
        cause: error,
      });
    }
    if (createHash('sha256').update(bytes).digest('hex') !== file.sha256)
      throw new FarmError(
        'invalid',
        'The rows are not what was uploaded (SHA-256 differs). Upload them again.',
      );
    return bytes;
  }

  async #range(sha256: string, from: number, end: number): Promise<Buffer> {
    if (from === end) return Buffer.alloc(0);
    const range = { Bucket: this.#bucket, Key: assetKey(sha256), Range: `bytes=${from}-${end - 1}` };
    try {
      const object = await this.#s3.send(new GetObjectCommand(range));
      return Buffer.from((await object.Body?.transformToByteArray()) ?? []);
    } catch (error) {
      throw new FarmError('unavailable', `The store does not give the rows: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
