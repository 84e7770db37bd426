import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  NoSuchKey,
  type ListMultipartUploadsCommandOutput,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

/** As many as S3 lists or deletes with one call. */
export const MOST_KEYS = 1_000;
/** A call that has not been answered by then is given up: nothing of it may happen later than whoever asked believes. */
const ANSWER_WITHIN_MS = 60_000;

export interface ListedObject {
  key: string;
  bytes: number;
  /** When it was written. */
  writtenAt: Date;
}

/** An object that could not be removed, and why. */
export interface NotRemoved {
  key: string;
  message: string;
}

/** The farm's bucket as a whole: what is in it, page by page, and its removal. */
export class Bucket {
  readonly #s3: S3Client;
  readonly #name: string;

  constructor(s3: S3Client, name: string) {
    this.#s3 = s3;
    this.#name = name;
  }

  /** Objects under a prefix in the order of their keys, those after `after`; fewer than `most`: there are no more. */
  async list(prefix: string, after: string | null, most = MOST_KEYS): Promise<ListedObject[]> {
    const objects: ListedObject[] = [];
    let from = after;
    // A store may answer with fewer than it was asked for, and have more.
    for (let more = true; more && objects.length < most;) {
      const page: ListObjectsV2CommandOutput = await this.#s3.send(
        new ListObjectsV2Command({
          Bucket: this.#name,
          Prefix: prefix,
          MaxKeys: most - objects.length,
          ...(from === null ? {} : { StartAfter: from }),
        }),
        limited(),
      );
      for (const { Key, Size = 0, LastModified } of page.Contents ?? [])
        if (Key !== undefined && LastModified !== undefined)
          objects.push({ key: Key, bytes: Size, writtenAt: LastModified });
      const last = page.Contents?.at(-1)?.Key;
      more = page.IsTruncated === true && last !== undefined;
      from = last ?? null;
    }
    return objects;
  }

  /**
   * Removes up to {@link MOST_KEYS} objects; those that are not there count as removed.
   * @returns those that are still there
   * @throws errors of S3 when the call as a whole was not answered
   */
  async remove(keys: readonly string[]): Promise<NotRemoved[]> {
    if (keys.length === 0) return [];
    const answer = await this.#s3.send(
      new DeleteObjectsCommand({
        Bucket: this.#name,
        Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
      }),
      limited(),
    );
    return (answer.Errors ?? [])
      .filter(({ Code }) => Code !== 'NoSuchKey')
      .map(({ Key = '', Code = 'an error', Message = '' }) => ({
        key: Key,
        message: `${Code} ${Message}`.trim(),
      }));
  }

  /** An object of at most `mostBytes`; `missing` where there is none, `too-large` without reading it. */
  async read(key: string, mostBytes: number): Promise<Buffer | 'missing' | 'too-large'> {
    try {
      const object = await this.#s3.send(new GetObjectCommand({ Bucket: this.#name, Key: key }), limited());
      if ((object.ContentLength ?? 0) > mostBytes) {
        await object.Body?.transformToWebStream().cancel();
        return 'too-large';
      }
      return Buffer.from((await object.Body?.transformToByteArray()) ?? []);
    } catch (error) {
      if (error instanceof NoSuchKey) return 'missing';
      throw error;
    }
  }

  /** Gives up uploads in parts that were begun before a time. @returns how many */
  async abortUploads(begunBefore: Date): Promise<number> {
    let aborted = 0;
    let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
    while (from !== undefined) {
      const page: ListMultipartUploadsCommandOutput = await this.#s3.send(
        new ListMultipartUploadsCommand({ Bucket: this.#name, ...from }),
        limited(),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || !Initiated || Initiated >= begunBefore) continue;
        await this.#s3.send(
          new AbortMultipartUploadCommand({ Bucket: this.#name, Key, UploadId }),
          limited(),
        );
        aborted++;
      }
      from =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
          : undefined;
    }
    return aborted;
  }
}

const limited = (): { abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
