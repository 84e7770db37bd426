import type { Stats } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineFailure } from '../engines/engine.ts';
import type { ObjectStore } from '../object-store.ts';
import type { WorkerMetrics } from '../telemetry/worker-metrics.ts';
import { FileFetcher, hasGivenTime, statOrNull, type WantedFile } from './file-fetcher.ts';
import { assetMark } from '../../shared/domain/asset-mark.ts';

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
  readonly #fetcher: FileFetcher;
  readonly #budgetBytes: number;
  readonly #metrics: WorkerMetrics;
  readonly #files = new Map<string, CachedFile>();
  /** Assets whose files were all here lately; the most recent last. */
  readonly #assets = new Set<string>();
  readonly #fetching = new Map<string, Promise<void>>();
  #bytes = 0;
  /** Of fetches that are under way. */
  #comingBytes = 0;

  constructor(folder: string, store: ObjectStore, budgetBytes: number, metrics: WorkerMetrics) {
    this.#fetcher = new FileFetcher(join(folder, 'sha256'), store);
    this.#budgetBytes = budgetBytes;
    this.#metrics = metrics;
  }

  /** Takes over what earlier processes fetched. */
  async load(): Promise<void> {
    for (const { sha256, info } of await this.#fetcher.list()) this.#remember(sha256, info, info.atimeMs);
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
    return this.#fetcher.pathOf(sha256);
  }

  /**
   * Brings a file here and keeps it until `release`.
   * @throws EngineFailure `missing-asset` when the farm does not have it, or in another size; the signal's reason
   */
  async acquire(wanted: WantedFile, signal: AbortSignal): Promise<void> {
    const { sha256 } = wanted;
    for (let fetched = false; ;) {
      const file = this.#files.get(sha256);
      if (file) {
        file.users++;
        file.lastUsed = Date.now();
        if (await this.#isIntact(sha256, file)) {
          if (!hasSize(wanted, file.bytes)) {
            file.users--;
            throw otherSize(wanted, file.bytes);
          }
          this.#metrics.cacheUsed(fetched ? 'miss' : 'hit', file.bytes);
          await this.#evict();
          return;
        }
        file.users--;
        if (this.#files.get(sha256) === file) this.#forget(sha256);
      }
      fetched = await this.#fetchOnce(wanted, signal);
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
    return (
      found !== null && found.size === file.bytes && found.mtimeMs === file.mtimeMs && hasGivenTime(file)
    );
  }

  /** @returns whether it was fetched for this caller, and not for one that came before. */
  async #fetchOnce(wanted: WantedFile, signal: AbortSignal): Promise<boolean> {
    const { sha256 } = wanted;
    const running = this.#fetching.get(sha256);
    if (running) {
      // Whoever began the fetch may be stopped; that must not stop those who wait for the same file.
      await waitFor(running, signal);
      return false;
    }
    const fetch = this.#fetch(wanted, signal).finally(() => this.#fetching.delete(sha256));
    this.#fetching.set(sha256, fetch);
    await fetch;
    return true;
  }

  async #fetch(wanted: WantedFile, signal: AbortSignal): Promise<void> {
    const { leastBytes } = wanted.size;
    this.#comingBytes += leastBytes;
    try {
      await this.#evict();
      this.#remember(wanted.sha256, await this.#fetcher.fetch(wanted, signal), Date.now());
    } finally {
      this.#comingBytes -= leastBytes;
    }
  }

  /** A file whose time is not a whole second was written to since it was fetched: it is hashed before it is used. */
  #remember(sha256: string, { size, mtimeMs }: Stats, lastUsed: number): void {
    this.#forget(sha256);
    this.#files.set(sha256, { bytes: size, users: 0, lastUsed, mtimeMs });
    this.#bytes += size;
  }

  #forget(sha256: string): void {
    const file = this.#files.get(sha256);
    if (!file) return;
    this.#files.delete(sha256);
    this.#bytes -= file.bytes;
  }

  async #evict(): Promise<void> {
    if (this.#bytes + this.#comingBytes <= this.#budgetBytes) return;
    const unused = [...this.#files].filter(([, file]) => file.users === 0);
    unused.sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    for (const [sha256, file] of unused) {
      if (this.#bytes + this.#comingBytes <= this.#budgetBytes) return;
      if (file.users > 0 || this.#files.get(sha256) !== file) continue; // while the one before was removed
      this.#forget(sha256);
      await rm(this.pathOf(sha256), { force: true });
    }
  }
}

function hasSize({ size }: WantedFile, bytes: number): boolean {
  return bytes >= size.leastBytes && bytes <= size.mostBytes;
}

/** A file that is here already, and that this manifest says to be larger or smaller than it is. */
function otherSize({ what }: WantedFile, bytes: number): EngineFailure {
  return new EngineFailure('missing-asset', `${what} has ${bytes} bytes, which is not what the asset says.`);
}

/** Until it has ended in whatever way, or the signal aborts. @throws the signal's reason */
async function waitFor(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener('abort', onAbort, { once: true });
  });
  await Promise.race([work.catch(() => undefined), aborted]);
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
}
