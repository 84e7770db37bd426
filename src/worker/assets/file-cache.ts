import type { Stats } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { assetKey } from '../../shared/storage/keys.ts';
import { EngineFailure } from '../engines/engine.ts';
import { isNotFound, type ObjectStore } from '../object-store.ts';
import type { WorkerMetrics } from '../telemetry/worker-metrics.ts';
import { assetMark } from '../../shared/domain/asset-mark.ts';

/** A download that no process has written to for so long has no process any more. */
const STALE_PART_MS = 3_600_000;
/** As many as a heartbeat names. */
const MAX_ASSETS = 1_000;

interface CachedFile {
  bytes: number;
  /** Attempts and sessions that use it now; while there are any it stays. */
  users: number;
  lastUsed: number;
  /** Modification time that the file was given; another one says that somebody wrote to it. */
  mtimeMs: number;
}

/**
 * Files by their SHA-256, on this machine's disk. Bytes are hashed while they come in and only then get their name;
 * what is asked for twice at once is fetched once. The least recently used go when the budget is spent.
 */
export class FileCache {
  readonly #folder: string;
  readonly #store: ObjectStore;
  readonly #budgetBytes: number;
  readonly #metrics: WorkerMetrics;
  readonly #files = new Map<string, CachedFile>();
  /** Assets whose files were all here lately; the most recent last. */
  readonly #assets = new Set<string>();
  readonly #fetching = new Map<string, Promise<void>>();
  #bytes = 0;

  constructor(folder: string, store: ObjectStore, budgetBytes: number, metrics: WorkerMetrics) {
    this.#folder = join(folder, 'sha256');
    this.#store = store;
    this.#budgetBytes = budgetBytes;
    this.#metrics = metrics;
  }

  /** Takes over what earlier processes fetched. */
  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const shard of await readdir(this.#folder)) {
      for (const name of await readdir(join(this.#folder, shard))) {
        const path = join(this.#folder, shard, name);
        const info = await statOrNull(path);
        if (!info) continue; // another process on the same folder has just moved or removed it
        if (/^[0-9a-f]{64}$/.test(name)) this.#remember(name, info);
        else if (Date.now() - info.mtimeMs > STALE_PART_MS) await rm(path, { force: true });
      }
    }
    await this.#evict();
  }

  /** All files of an asset are here. */
  noteAsset(sha256: string): void {
    this.#assets.delete(sha256);
    this.#assets.add(sha256);
    const [oldest] = this.#assets;
    if (this.#assets.size > MAX_ASSETS && oldest !== undefined) this.#assets.delete(oldest);
  }

  /** Marks of assets that are here, the most recent first. An asset counts as here as long as its manifest is. */
  cachedAssets(): string[] {
    return [...this.#assets]
      .filter((sha256) => this.#files.has(sha256))
      .map(assetMark)
      .reverse();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Path of a file that {@link acquire} brought here. */
  pathOf(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  /**
   * Brings a file here and keeps it until `release`.
   * @throws EngineFailure `missing-asset` when the farm does not have it; the signal's reason
   */
  async acquire(sha256: string, what: string, signal: AbortSignal): Promise<void> {
    for (let fetched = false; ; fetched = true) {
      const file = this.#files.get(sha256);
      if (file) {
        file.users++;
        file.lastUsed = Date.now();
        if (await this.#isIntact(sha256, file)) {
          this.#metrics.cacheUsed(fetched ? 'miss' : 'hit', file.bytes);
          await this.#evict();
          return;
        }
        file.users--;
        if (this.#files.get(sha256) === file) this.#forget(sha256);
      }
      await this.#fetchOnce(sha256, what, signal);
    }
  }

  async release(sha256: string): Promise<void> {
    const file = this.#files.get(sha256);
    if (!file || file.users === 0) return;
    file.users--;
    await this.#evict();
  }

  /** Another process on the same folder may have removed it, and an engine that runs as root may have written to it. */
  async #isIntact(sha256: string, file: CachedFile): Promise<boolean> {
    const found = await statOrNull(this.pathOf(sha256));
    return found !== null && found.size === file.bytes && found.mtimeMs === file.mtimeMs;
  }

  async #fetchOnce(sha256: string, what: string, signal: AbortSignal): Promise<void> {
    const running = this.#fetching.get(sha256);
    if (running) {
      // Whoever began the fetch may be stopped; that must not stop those who wait for the same file.
      await running.catch(() => undefined);
      signal.throwIfAborted();
      return;
    }
    const fetch = this.#fetch(sha256, what, signal).finally(() => this.#fetching.delete(sha256));
    this.#fetching.set(sha256, fetch);
    await fetch;
  }

  async #fetch(sha256: string, what: string, signal: AbortSignal): Promise<void> {
    const path = this.pathOf(sha256);
    const temporary = `${path}.${process.pid}.part`;
    await mkdir(join(this.#folder, sha256.slice(0, 2)), { recursive: true, mode: 0o700 });
    try {
      const found = await this.#store.download(assetKey(sha256), temporary, signal);
      if (found !== sha256) {
        throw new EngineFailure(
          'missing-asset',
          `${what} is damaged in the storage: its SHA-256 is ${found}.`,
        );
      }
      // One second, whole: file systems keep different fractions.
      const time = Math.floor(Date.now() / 1000);
      await utimes(temporary, time, time);
      await chmod(temporary, 0o444);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      if (isNotFound(error))
        throw new EngineFailure('missing-asset', `${what} is not in the storage.`, { cause: error });
      throw error;
    }
    await syncFolder(join(this.#folder, sha256.slice(0, 2)));
    const info = await statOrNull(path);
    if (info) this.#remember(sha256, info);
  }

  #remember(sha256: string, { size, mtimeMs, atimeMs }: Stats): void {
    this.#forget(sha256);
    this.#files.set(sha256, { bytes: size, users: 0, lastUsed: atimeMs, mtimeMs });
    this.#bytes += size;
  }

  #forget(sha256: string): void {
    const file = this.#files.get(sha256);
    if (!file) return;
    this.#files.delete(sha256);
    this.#bytes -= file.bytes;
  }

  async #evict(): Promise<void> {
    if (this.#bytes <= this.#budgetBytes) return;
    const unused = [...this.#files].filter(([, file]) => file.users === 0);
    unused.sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    for (const [sha256, file] of unused) {
      if (this.#bytes <= this.#budgetBytes) return;
      if (file.users > 0 || this.#files.get(sha256) !== file) continue; // while the one before was removed
      this.#forget(sha256);
      await rm(this.pathOf(sha256), { force: true });
    }
  }
}

/** @returns null when it is not there */
async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A rename lasts over a power cut only when its folder is written, too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
