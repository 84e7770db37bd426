import { createHash } from 'node:crypto';
import { PARTS_FROM_BYTES, type AssetPlan, type AssetReply } from '../../shared/contracts/asset-api.ts';
import {
  MAX_MANIFEST_BYTES,
  MAX_PACK_BYTES,
  canonicalManifest,
  objectsOf,
  type AssetManifest,
  type ManifestFile,
} from '../../shared/contracts/manifest.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError, InvalidInputError, type InputIssue } from '../../shared/domain/errors.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import { mapConcurrently } from '../storage/map-concurrently.ts';
import type { AssetPresence, Presence } from '../storage/asset-presence.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Asks of one call that are open at the object store at a time. */
const CONCURRENCY = 48;
/** As many as are uploaded before the first of the links ends. */
const MOST_LINKS = 1_000;
/** A client waits a minute for its answer. */
const LOOK_FOR_MS = 20_000;
const MAX_ISSUES = 50;

/** Uploads by hash: what is missing, and the manifest that names what is there. */
export class AssetStore {
  readonly #ledger: Ledger;
  readonly #objects: ObjectStore;
  readonly #presence: AssetPresence;

  constructor(ledger: Ledger, objects: ObjectStore, presence: AssetPresence) {
    this.#ledger = ledger;
    this.#objects = objects;
    this.#presence = presence;
  }

  /** What is not there yet: links for the first of it, and which files go in parts. */
  async plan(files: readonly { sha256: string; size: number }[]): Promise<AssetPlan> {
    const distinct = [...new Map(files.map((file) => [file.sha256, file])).values()];
    const removing = await this.#presence.use(distinct.map(({ sha256 }) => sha256));
    const until = Date.now() + LOOK_FOR_MS;
    const plan: AssetPlan = { uploads: [], parts: [], more: [] };
    let links = 0;
    await mapConcurrently(distinct, CONCURRENCY, async ({ sha256, size }) => {
      if (links >= MOST_LINKS || Date.now() > until || removing.has(sha256)) return plan.more.push(sha256);
      const found = await this.#presence.look(sha256, true);
      if (found.state === 'there' && found.bytes === size) return;
      if (size >= PARTS_FROM_BYTES) return plan.parts.push(sha256);
      if (++links > MOST_LINKS) return plan.more.push(sha256);
      return plan.uploads.push({ sha256, ...(await this.#objects.signAssetUpload(sha256)) });
    });
    return plan;
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
    await this.#use(sha256);
    await this.#objects.putAsset(sha256, bytes, 'application/json');
    const inserted = await this.#ledger
      .insertInto('assets')
      .values({ ...asset, bytes: String(asset.bytes) })
      .onConflict((conflict) => conflict.column('sha256').doNothing())
      .returning('sha256')
      .executeTakeFirst();
    return { asset, existing: inserted === undefined };
  }

  /**
   * @returns undefined for an asset that was not registered
   * @throws FarmError `too-large` when more is stored at its hash than a manifest can have
   */
  async manifest(sha256: string): Promise<AssetManifest | undefined> {
    await this.#use(sha256);
    const known = await this.#ledger
      .selectFrom('assets')
      .select('sha256')
      .where('sha256', '=', sha256)
      .executeTakeFirst();
    const bytes = known && (await this.#objects.readWhole(assetKey(sha256), MAX_MANIFEST_BYTES));
    return bytes && (JSON.parse(bytes.toString('utf8')) as AssetManifest);
  }

  /** @throws FarmError `invalid` when no such asset was registered, or it holds no such file. */
  async assertHolds(sha256: string, path: string, field = 'scenePath'): Promise<void> {
    const manifest = await this.manifest(sha256);
    if (!manifest) {
      throw new InvalidInputError('The template', [
        { path: 'asset', value: sha256, expected: 'an asset that was registered with POST /api/assets' },
      ]);
    }
    if (!manifest.files.some((file) => file.path === path)) {
      throw new FarmError('invalid', `The asset ${sha256} holds no file ${JSON.stringify(path)}.`, {
        issues: [{ path: field, value: JSON.stringify(path), expected: 'a path of a file in the asset' }],
      });
    }
  }

  /** @throws FarmError `unavailable` for an asset that is just being removed */
  async #use(sha256: string): Promise<void> {
    if ((await this.#presence.use([sha256])).size === 0) return;
    throw new FarmError(
      'unavailable',
      `The asset ${sha256} is just being removed, as nobody has used it for long. Send this again in a minute.`,
    );
  }

  async #assertFilesAreThere(manifest: AssetManifest): Promise<void> {
    const found = new Map<string, Presence>();
    const hashes = objectsOf(manifest).map(({ sha256 }) => sha256);
    const removing = await this.#presence.use(hashes);
    await mapConcurrently(hashes, CONCURRENCY, async (sha256) => {
      found.set(
        sha256,
        removing.has(sha256) ? { state: 'removing' } : await this.#presence.look(sha256, true),
      );
    });
    const issues = manifest.files.flatMap((file, index): InputIssue[] => {
      const presence = found.get(file.pack?.sha256 ?? file.sha256) ?? { state: 'missing' };
      if (holds(presence, file)) return [];
      const value = `${file.path}: ${describePresence(presence)}`;
      if (file.pack === undefined)
        return [{ path: `files[${index}]`, value, expected: `${file.size} bytes at its hash` }];
      const end = file.pack.offset + file.pack.size;
      return [{ path: `files[${index}].pack`, value, expected: `a pack of at least ${end} bytes` }];
    });
    if (issues.length > 0) throw new InvalidInputError('The manifest', issues.slice(0, MAX_ISSUES));
  }
}

function holds(presence: Presence, { size, pack }: ManifestFile): boolean {
  if (presence.state !== 'there') return false;
  if (pack === undefined) return presence.bytes === size;
  return presence.bytes >= pack.offset + pack.size && presence.bytes <= MAX_PACK_BYTES;
}

function describePresence(presence: Presence): string {
  if (presence.state === 'missing') return 'not uploaded';
  if (presence.state === 'removing') return 'just being removed, as nobody has used it for long';
  return `uploaded with ${presence.bytes} bytes${presence.state === 'unverified' ? ', not verified yet' : ''}`;
}

/** Each path names one file, and none of them is a folder of another one. */
function assertDistinctPaths({ files }: AssetManifest): void {
  const seen = new Set<string>();
  const folders = new Set<string>();
  for (const { path } of files)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  files.forEach(({ path }, index) => {
    if (seen.has(path) || folders.has(path)) {
      const expected = seen.has(path) ? 'each path once' : 'a path that is not a folder of another file';
      throw new InvalidInputError('The manifest', [
        { path: `files[${index}].path`, value: JSON.stringify(path), expected },
      ]);
    }
    seen.add(path);
  });
}
