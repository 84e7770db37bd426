import { createHash } from 'node:crypto';
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';
import {
  MAX_MANIFEST_BYTES,
  assetManifestSchema,
  type AssetManifest,
  type ManifestFile,
} from '../../shared/contracts/manifest.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { assetKey } from '../../shared/storage/keys.ts';

/** Manifests never change, so the newest few are kept. */
const KEPT_MANIFESTS = 32;

/** Which files an asset holds, read from its manifest in S3. */
export class AssetManifests {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #paths = new Map<string, ReadonlySet<string>>();

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /**
   * @returns the paths inside the asset, or undefined when there is no such asset.
   * @throws FarmError `unavailable` when S3 does not answer; `invalid` when the object is not a manifest.
   */
  async paths(sha256: string): Promise<ReadonlySet<string> | undefined> {
    const known = this.#paths.get(sha256);
    if (known) return known;
    const manifest = await this.#manifest(sha256);
    if (manifest === undefined) return undefined;
    const paths = new Set(manifest.files.map((file) => file.path));
    this.#paths.set(sha256, paths);
    const oldest = this.#paths.keys().next().value;
    if (this.#paths.size > KEPT_MANIFESTS && oldest !== undefined) this.#paths.delete(oldest);
    return paths;
  }

  /**
   * One file of an asset, with where its bytes are; undefined when there is no such asset or file.
   * @throws as {@link paths}
   */
  async file(sha256: string, path: string): Promise<ManifestFile | undefined> {
    const manifest = await this.#manifest(sha256);
    return manifest?.files.find((file) => file.path === path);
  }

  async #manifest(sha256: string): Promise<AssetManifest | undefined> {
    const bytes = await this.#read(sha256);
    if (bytes === undefined) return undefined;
    const what = `The manifest of asset ${sha256}`;
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new FarmError('invalid', `${what} does not hash to its name; upload the asset again.`);
    return parseWith(assetManifestSchema, decodeJson(bytes, { what, maxBytes: MAX_MANIFEST_BYTES }), what);
  }

  async #read(sha256: string): Promise<Uint8Array | undefined> {
    try {
      const object = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: assetKey(sha256) }),
      );
      return await object.Body?.transformToByteArray();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw new FarmError(
        'unavailable',
        `The store does not answer, so the scene cannot be looked up: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}
