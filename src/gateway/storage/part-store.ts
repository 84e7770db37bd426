import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  NoSuchUpload,
  PutObjectCommand,
  UploadPartCommand,
  paginateListParts,
  type ListMultipartUploadsCommandOutput,
  type MultipartUpload,
  type Part,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { FarmError } from '../../shared/domain/errors.ts';
import { assetKey, verifiedKey } from '../../shared/storage/keys.ts';
import type { SignedUpload } from './object-store.ts';

/** A part may wait behind others on a slow line. */
const LINK_SECONDS = 900;
/** An upload that nobody has gone on with for so long is given up. */
const GIVEN_UP_AFTER_MS = 7 * 86_400_000;

/** Uploads in parts at S3: one a file, whoever sends its parts. */
export class PartStore {
  readonly #s3: S3Client;
  readonly #signer: S3Client;
  readonly #bucket: string;

  /** @param signer a client whose endpoint is the address that browsers and command lines use. */
  constructor(s3: S3Client, signer: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#signer = signer;
    this.#bucket = bucket;
  }

  /** The id of the upload that is open for a file, or of a new one. */
  async begin(sha256: string): Promise<string> {
    const open = (await this.#openUploads(assetKey(sha256))).toSorted(byAge)[0]?.UploadId;
    if (open !== undefined) return open;
    await this.#giveUpOld();
    const created = await this.#s3.send(
      new CreateMultipartUploadCommand({ ...this.#at(sha256), ChecksumAlgorithm: 'SHA256' }),
    );
    if (created.UploadId === undefined)
      throw new FarmError('unavailable', 'The storage gave no id for the upload.');
    // Of two that begin at once, both go on with the one that is found first.
    return (await this.#openUploads(assetKey(sha256))).toSorted(byAge)[0]?.UploadId ?? created.UploadId;
  }

  /** The parts that are there. @throws FarmError `not-found` when the upload has ended. */
  async parts(sha256: string, uploadId: string): Promise<Part[]> {
    const parts: Part[] = [];
    try {
      const where = { ...this.#at(sha256), UploadId: uploadId };
      for await (const page of paginateListParts({ client: this.#s3 }, where))
        parts.push(...(page.Parts ?? []));
    } catch (error) {
      throw toFarmError(error, sha256);
    }
    return parts;
  }

  /** A link that takes exactly the bytes with this SHA-256, as this part. */
  async signPart(sha256: string, uploadId: string, part: number, partSha256: string): Promise<SignedUpload> {
    const checksum = Buffer.from(partSha256, 'hex').toString('base64');
    const command = new UploadPartCommand({
      ...this.#at(sha256),
      UploadId: uploadId,
      PartNumber: part,
      ChecksumSHA256: checksum,
    });
    const url = await getSignedUrl(this.#signer, command, {
      expiresIn: LINK_SECONDS,
      unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
    });
    return { url, headers: { 'x-amz-checksum-sha256': checksum } };
  }

  /**
   * Makes parts one object. The storage holds the checksums of the parts against what it has.
   * @throws FarmError `not-found` when the upload has ended, `conflict` when a part is another one.
   */
  async complete(
    sha256: string,
    uploadId: string,
    stored: readonly Part[],
    partHashes: readonly string[],
  ): Promise<void> {
    const tags = new Map(stored.map(({ PartNumber, ETag }) => [PartNumber, ETag]));
    const parts = partHashes.map((hash, index) => ({
      PartNumber: index + 1,
      ETag: tags.get(index + 1),
      ChecksumSHA256: Buffer.from(hash, 'hex').toString('base64'),
    }));
    const command = new CompleteMultipartUploadCommand({
      ...this.#at(sha256),
      UploadId: uploadId,
      MultipartUpload: { Parts: parts },
    });
    try {
      await this.#s3.send(command);
    } catch (error) {
      throw toFarmError(error, sha256);
    }
  }

  /** Ends an upload whose parts cannot be used. */
  async abort(sha256: string, uploadId: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#at(sha256), UploadId: uploadId });
    await this.#s3.send(command).catch((error: unknown) => {
      if (!isOver(error)) throw error;
    });
  }

  async markVerified(sha256: string): Promise<void> {
    await this.#s3.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: verifiedKey(sha256), Body: new Uint8Array() }),
    );
  }

  /** The word that it was verified goes first: alone, it would count for the next object of this name. */
  async remove(sha256: string): Promise<void> {
    await this.#s3.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: verifiedKey(sha256) }));
    await this.#s3.send(new DeleteObjectCommand(this.#at(sha256)));
  }

  #at(sha256: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: assetKey(sha256) };
  }

  async #openUploads(prefix: string): Promise<MultipartUpload[]> {
    const uploads: MultipartUpload[] = [];
    let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
    while (from !== undefined) {
      const where = { Bucket: this.#bucket, Prefix: prefix, ...from };
      const page: ListMultipartUploadsCommandOutput = await this.#s3.send(
        new ListMultipartUploadsCommand(where),
      );
      uploads.push(...(page.Uploads ?? []));
      from =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
          : undefined;
    }
    return uploads;
  }

  /** What nobody finishes would lie in the storage for ever, in no list of objects. */
  async #giveUpOld(): Promise<void> {
    const before = Date.now() - GIVEN_UP_AFTER_MS;
    for (const { Key = '', UploadId, Initiated } of await this.#openUploads('assets/sha256/'))
      if (UploadId !== undefined && Initiated !== undefined && Initiated.getTime() < before)
        await this.abort(Key.slice('assets/sha256/'.length), UploadId);
  }
}

/** The oldest first, and one order for those of one moment. */
function byAge(a: MultipartUpload, b: MultipartUpload): number {
  const ages = (a.Initiated?.getTime() ?? 0) - (b.Initiated?.getTime() ?? 0);
  return ages !== 0 ? ages : (a.UploadId ?? '') < (b.UploadId ?? '') ? -1 : 1;
}

function isOver(error: unknown): boolean {
  return error instanceof NoSuchUpload || (error instanceof Error && error.name === 'NoSuchUpload');
}

const NOT_THE_SAME = new Set(['BadDigest', 'InvalidPart', 'InvalidPartOrder', 'InvalidRequest']);

function toFarmError(error: unknown, sha256: string): unknown {
  const what = `The upload of ${sha256.slice(0, 12)}… in parts`;
  if (isOver(error))
    return new FarmError('not-found', `${what} has ended; begin it again.`, { cause: error });
  if (error instanceof Error && NOT_THE_SAME.has(error.name))
    return new FarmError('conflict', `${what} holds other bytes than it should; begin it again.`, {
      cause: error,
    });
  return error;
}
