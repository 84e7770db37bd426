import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { zstdDecompressSync } from 'node:zlib';
import type { AssetManifest, ManifestFile } from '../../shared/contracts/manifest.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { inspectScene } from '../../shared/scenes/inspect-scene.ts';
import type { SceneInspection } from '../../shared/scenes/scene-inspection.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import type { AssetStore } from '../ledger/asset-store.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { ObjectStore } from './object-store.ts';

/** Which files are read to understand a scene; of the others it is enough that they are there. */
const READ_FOR: Readonly<Record<string, readonly string[]>> = {
  '.blend': ['.blend'],
  '.pov': ['.pov', '.inc', '.mcr'],
  '.ini': ['.pov', '.inc', '.mcr', '.ini'],
  '.html': ['.html', '.htm', '.svg', '.css', '.js', '.mjs'],
  '.htm': ['.html', '.htm', '.svg', '.css', '.js', '.mjs'],
};
/** Read for one answer. A client waits a minute. */
const MAX_READ_BYTES = 2_000_000_000;
const FILES_AT_ONCE = 16;
/** Each may fill 2 GB of disk. */
const AT_ONCE = 2;

/** Inspects scenes that were uploaded: in a folder of their own, in which files that nobody reads are holes. */
export class StoredScenes {
  readonly #assets: AssetStore;
  readonly #objects: ObjectStore;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(assets: AssetStore, objects: ObjectStore) {
    this.#assets = assets;
    this.#objects = objects;
  }

  /**
   * @throws FarmError `not-found` for an asset or scene that is not there, `too-large`, `invalid` in a sentence for
   * whoever uploaded it
   */
  async inspect(asset: string, scene: string): Promise<SceneInspection> {
    const manifest = await this.#assets.manifest(asset);
    if (!manifest?.files.some(({ path }) => path === scene)) {
      const what = manifest
        ? `The asset ${asset} holds no file ${JSON.stringify(scene)}.`
        : `There is no asset ${asset}.`;
      throw new FarmError('not-found', what);
    }
    await this.#enter();
    try {
      return await this.#inspectLaidOut(manifest, scene);
    } finally {
      this.#leave();
    }
  }

  async #inspectLaidOut(manifest: AssetManifest, scene: string): Promise<SceneInspection> {
    const folder = await mkdtemp(join(tmpdir(), 'farmhand-inspect-'));
    try {
      await this.#layOut(manifest, scene, folder);
      const { origin } = manifest;
      return await inspectScene(folder, scene, origin === undefined ? {} : { origin });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < AT_ONCE) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Whoever waits longest takes the place over. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }

  async #layOut({ files }: AssetManifest, scene: string, folder: string): Promise<void> {
    const endings = READ_FOR[extname(scene).toLowerCase()] ?? [];
    const isRead = ({ path }: ManifestFile): boolean =>
      path === scene || endings.includes(extname(path).toLowerCase());
    const read = files.filter(isRead);
    const bytes = read.reduce((sum, { size }) => sum + size, 0);
    if (bytes > MAX_READ_BYTES)
      throw new FarmError(
        'too-large',
        `To understand ${JSON.stringify(scene)}, ${bytes} bytes would have to be read; at most ${MAX_READ_BYTES} are. ./farmhand inspect reads it where it lies.`,
      );
    for (const parent of new Set(files.map(({ path }) => dirname(path))))
      await mkdir(join(folder, parent), { recursive: true });
    const holes = files.filter((file) => !isRead(file));
    await mapConcurrently(holes, FILES_AT_ONCE, async ({ path, size }) => {
      const file = await open(join(folder, path), 'wx');
      await file.truncate(size).finally(() => file.close());
    });
    const packed = Map.groupBy(read, ({ pack }) => pack?.sha256 ?? null);
    for (const [pack, members] of packed)
      if (pack === null)
        await mapConcurrently(members, FILES_AT_ONCE, (file) => this.#download(file, folder));
      else await this.#unpack(pack, members, folder);
  }

  async #download({ sha256, path }: ManifestFile, folder: string): Promise<void> {
    await pipeline(await this.#stream(sha256, path), createWriteStream(join(folder, path), { flags: 'wx' }));
  }

  async #unpack(sha256: string, files: readonly ManifestFile[], folder: string): Promise<void> {
    const bytes = Buffer.concat(await (await this.#stream(sha256, files[0]?.path ?? '')).toArray());
    for (const { path, size, pack } of files) {
      const stored = bytes.subarray(pack?.offset, (pack?.offset ?? 0) + (pack?.size ?? 0));
      const file =
        pack?.encoding === undefined
          ? stored
          : zstdDecompressSync(stored, { maxOutputLength: Math.max(1, size) });
      await writeFile(join(folder, path), file, { flag: 'wx' });
    }
  }

  async #stream(
    sha256: string,
    path: string,
  ): Promise<NonNullable<Awaited<ReturnType<ObjectStore['read']>>>> {
    const stream = await this.#objects.read(assetKey(sha256));
    if (stream) return stream;
    throw new FarmError(
      'not-found',
      `The file ${JSON.stringify(path)} is no longer stored. Upload the scene again.`,
    );
  }
}
