import { createHash } from 'node:crypto';
import type { AssetReply } from '../../shared/contracts/api.ts';
import { canonicalManifest, type AssetManifest } from '../../shared/contracts/manifest.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError, InvalidInputError, type InputIssue } from '../../shared/domain/errors.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import { mapConcurrently } from '../storage/map-concurrently.ts';
import type { ObjectStore, SignedUpload } from '../storage/object-store.ts';

/** Asks of one call that are open at the object store at a time. */
const CONCURRENCY = 48;
const MAX_ISSUES = 50;

/** Uploads by hash: what is missing, and the manifest that names what is there. */
export class AssetStore {
  readonly #ledger: Ledger;
  readonly #objects: ObjectStore;

  constructor(ledger: Ledger, objects: ObjectStore) {
    this.#ledger = ledger;
    this.#objects = objects;
  }

  /** A link for each file that is not there yet. */
  async plan(
    files: readonly { sha256: string; size: number }[],
  ): Promise<({ sha256: string } & SignedUpload)[]> {
    const distinct = new Map(files.map((file) => [file.sha256, file]));
    const planned = await mapConcurrently([...distinct.values()], CONCURRENCY, async ({ sha256, size }) => {
      if ((await this.#objects.size(assetKey(sha256))) === size) return undefined;
      return { sha256, ...(await this.#objects.signAssetUpload(sha256)) };
    });
    return planned.filter((upload) => upload !== undefined);
  }

  /**
   * Stores the manifest at its hash once all its files are there.
   * @throws InvalidInputError that lists files which are missing or have another size (at most 50).
   */
  async register(manifest: AssetManifest): Promise<{ asset: AssetReply; existing: boolean }> {
    assertDistinctPaths(manifest);
    await this.#assertFilesAreThere(manifest);
    const bytes = Buffer.from(canonicalManifest(manifest));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const asset = {
      sha256,
      files: manifest.files.length,
      bytes: manifest.files.reduce((sum, file) => sum + file.size, 0),
    };
    await this.#objects.putAsset(sha256, bytes, 'application/json');
    const inserted = await this.#ledger
      .insertInto('assets')
      .values({ ...asset, bytes: String(asset.bytes) })
      .onConflict((conflict) => conflict.column('sha256').doNothing())
      .returning('sha256')
      .executeTakeFirst();
    return { asset, existing: inserted === undefined };
  }

  /** @throws FarmError `invalid` when no such asset was registered, or it holds no such file. */
  async assertHolds(sha256: string, path: string): Promise<void> {
    const known = await this.#ledger
      .selectFrom('assets')
      .select('sha256')
      .where('sha256', '=', sha256)
      .executeTakeFirst();
    const stream = known && (await this.#objects.read(assetKey(sha256)));
    if (!stream) {
      throw new InvalidInputError('The template', [
        { path: 'asset', value: sha256, expected: 'an asset that was registered with POST /api/assets' },
      ]);
    }
    const manifest = JSON.parse(Buffer.concat(await stream.toArray()).toString('utf8')) as AssetManifest;
    if (!manifest.files.some((file) => file.path === path)) {
      throw new FarmError('invalid', `The asset ${sha256} holds no file ${JSON.stringify(path)}.`, {
        issues: [
          { path: 'scenePath', value: JSON.stringify(path), expected: 'a path of a file in the asset' },
        ],
      });
    }
  }

  async #assertFilesAreThere({ files }: AssetManifest): Promise<void> {
    const sizes = new Map(files.map((file) => [file.sha256, undefined as number | undefined]));
    await mapConcurrently([...sizes.keys()], CONCURRENCY, async (sha256) => {
      sizes.set(sha256, await this.#objects.size(assetKey(sha256)));
    });
    const issues = files.flatMap((file, index): InputIssue[] => {
      const size = sizes.get(file.sha256);
      if (size === file.size) return [];
      const found = size === undefined ? 'not uploaded' : `uploaded with ${size} bytes`;
      const path = `files[${index}]`;
      return [{ path, value: `${file.path}: ${found}`, expected: `${file.size} bytes at its hash` }];
    });
    if (issues.length > 0) throw new InvalidInputError('The manifest', issues.slice(0, MAX_ISSUES));
  }
}

function assertDistinctPaths({ files }: AssetManifest): void {
  const seen = new Set<string>();
  files.forEach(({ path }, index) => {
    if (seen.has(path)) {
      throw new InvalidInputError('The manifest', [
        { path: `files[${index}].path`, value: JSON.stringify(path), expected: 'each path once' },
      ]);
    }
    seen.add(path);
  });
}
