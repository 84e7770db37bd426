import { createHash } from 'node:crypto';
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { useAssets } from '../../shared/database/asset-uses.ts';
import type { Ledger } from '../../shared/database/connect.ts';
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
/** What was noted as used so lately is not removed for a day. */
const USED_FOR_MS = 3_600_000;
const MOST_USED = 10_000;
/** For as long as an asset is being removed that is asked for right now. */
const WAIT_MS = 10_000;

/** Which files an asset holds, read from its manifest in S3. */
export class AssetManifests {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #ledger: Ledger;
  readonly #paths = new Map<string, ReadonlySet<string>>();
  /** Until when it need not be noted again, by `performance.now()`. */
  readonly #used = new Map<string, number>();

  constructor(s3: S3Client, bucket: string, ledger: Ledger) {
    this.#ledger = ledger;
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /**
   * @returns the paths inside the asset, or undefined when there is no such asset.
   * @throws FarmError `unavailable` when S3 does not answer; `invalid` when the object is not a manifest.
   */
  async paths(sha256: string): Promise<ReadonlySet<string> | undefined> {
    await this.use(sha256);
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
    await this.use(sha256);
    const manifest = await this.#manifest(sha256);
    return manifest?.files.find((file) => file.path === path);
  }

  /**
   * Notes that somebody relies on an asset, before it is looked whether it is there: it is not removed for a day.
   * @throws FarmError `unavailable` while it is being removed
   */
  async use(sha256: string): Promise<void> {
    if ((this.#used.get(sha256) ?? 0) > performance.now()) return;
    const removing = await useAssets(this.#ledger, [sha256], WAIT_MS);
    // It may have been removed meanwhile.
    this.#paths.delete(sha256);
    if (removing.size > 0)
      throw new FarmError(
        'unavailable',
        `The asset ${sha256} is just being removed, as nobody has used it for long. Upload it again in a minute.`,
      );
    this.#used.delete(sha256);
    this.#used.set(sha256, performance.now() + USED_FOR_MS);
    const [oldest] = this.#used.keys();
    if (this.#used.size > MOST_USED && oldest !== undefined) this.#used.delete(oldest);
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
