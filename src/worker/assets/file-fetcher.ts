import type { Stats } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PARTS_FROM_BYTES } from '../../shared/contracts/asset-api.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { hashFile } from '../../shared/storage/hash-file.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import { EngineFailure } from '../engines/engine.ts';
import { isNotFound, type ObjectSize, type ObjectStore } from '../object-store.ts';
import { isRefused } from '../storage-retry.ts';
import { takeWorkerLock } from '../worker-lock.ts';
import { downloadLarge, dropDownload } from './large-download.ts';

/** What no process has written to for so long has no process any more. */
const STALE_PART_MS = 3_600_000;
/** A big download that was cut off is gone on with until then. */
const STALE_LARGE_MS = 86_400_000;
const LOOK_AGAIN_MS = 250;

/** One object that is wanted on the disk. */
export interface WantedFile {
  sha256: string;
  /** What it is, to begin a sentence with. */
  what: string;
  size: ObjectSize;
}

/**
 * Brings objects to the disk under their hash. Bytes are hashed and forced to the disk before they get their name, so
 * whatever has one is whole, also after a power cut.
 */
export class FileFetcher {
  readonly #folder: string;
  readonly #store: ObjectStore;

  constructor(folder: string, store: ObjectStore) {
    this.#folder = folder;
    this.#store = store;
  }

  pathOf(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  /** Files that are here; removes what downloads left that nobody goes on with. */
  async list(): Promise<{ sha256: string; info: Stats }[]> {
    const files: { sha256: string; info: Stats }[] = [];
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const shard of await readdir(this.#folder)) {
      for (const name of await readdir(join(this.#folder, shard))) {
        const path = join(this.#folder, shard, name);
        const info = await statOrNull(path);
        if (!info) continue; // another process on the same folder has just moved or removed it
        if (/^[0-9a-f]{64}$/.test(name)) files.push({ sha256: name, info });
        else if (Date.now() - info.mtimeMs > staleMs(name)) await rm(path, { force: true });
      }
    }
    return files;
  }

  /**
   * @returns what the file is now
   * @throws EngineFailure `missing-asset` when the farm does not have it, or has something else; the signal's reason
   */
  async fetch(wanted: WantedFile, signal: AbortSignal): Promise<Stats> {
    const path = this.pathOf(wanted.sha256);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      if (!(await this.#isHereAlready(wanted.sha256))) {
        const { leastBytes, mostBytes } = wanted.size;
        if (leastBytes === mostBytes && leastBytes >= PARTS_FROM_BYTES)
          await this.#fetchLarge(wanted, leastBytes, signal);
        else await this.#fetchSmall(wanted, signal);
      }
    } catch (error) {
      if (isNotFound(error))
        throw new EngineFailure('missing-asset', `${wanted.what} is not in the storage.`, { cause: error });
      if (isRefused(error))
        throw new EngineFailure('missing-asset', `${wanted.what} cannot be used. ${messageOf(error)}`, {
          cause: error,
        });
      throw error;
    }
    return await stat(path);
  }

  /** Another process on the same folder may have fetched it; and of what somebody touched, the bytes may be right still. */
  async #isHereAlready(sha256: string): Promise<boolean> {
    const path = this.pathOf(sha256);
    const info = await statOrNull(path);
    if (info === null) return false;
    if ((await hashFile(path)).sha256 !== sha256) return false;
    // A new time would make each other process on this folder hash it again, and give it a new time in turn.
    if (!hasGivenTime(info)) await giveItsTime(path);
    return true;
  }

  async #fetchSmall({ sha256, what, size }: WantedFile, signal: AbortSignal): Promise<void> {
    const temporary = `${this.pathOf(sha256)}.${process.pid}.part`;
    try {
      const found = await this.#store.download(assetKey(sha256), temporary, signal, size);
      if (found !== sha256) throw damaged(what, found);
      await this.#seal(temporary, sha256);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** One process at a time: the others wait for it, and take over when it is gone. */
  async #fetchLarge({ sha256, what }: WantedFile, bytes: number, signal: AbortSignal): Promise<void> {
    const path = `${this.pathOf(sha256)}.part`;
    for (;;) {
      const lock = takeWorkerLock(`${this.pathOf(sha256)}.lock`);
      if (lock === undefined) {
        await pause(LOOK_AGAIN_MS, undefined, { signal });
        continue;
      }
      try {
        if (await this.#isHereAlready(sha256)) return;
        const download = { store: this.#store, key: assetKey(sha256), path, bytes, signal };
        const fetched = await downloadLarge(download);
        if (fetched.sha256 === sha256) {
          await this.#seal(path, sha256);
          await syncFolder(dirname(path)); // a power cut would take the name, and hours of a slow line with it
          await dropDownload(path);
          return;
        }
        await dropDownload(path);
        // What was there from before may have been damaged here; what was fetched just now is damaged in the storage.
        if (!fetched.resumed) throw damaged(what, fetched.sha256);
      } finally {
        lock.release();
      }
    }
  }

  async #seal(temporary: string, sha256: string): Promise<void> {
    const path = this.pathOf(sha256);
    await giveItsTime(temporary);
    await chmod(temporary, 0o444);
    await rename(temporary, path);
  }
}

/** One second, whole: file systems keep different fractions. What somebody writes later has another time. */
async function giveItsTime(path: string): Promise<void> {
  const time = Math.floor(Date.now() / 1_000);
  await utimes(path, time, time);
}

/** Whether {@link FileFetcher} gave the file its modification time: what somebody writes has a fraction in it. */
export function hasGivenTime({ mtimeMs }: Pick<Stats, 'mtimeMs'>): boolean {
  return mtimeMs % 1_000 === 0;
}

function damaged(what: string, found: string): EngineFailure {
  return new EngineFailure('missing-asset', `${what} is damaged in the storage: its SHA-256 is ${found}.`);
}

/** Downloads of big files have no process's number in their name: another process goes on with them. */
function staleMs(name: string): number {
  return /^[0-9a-f]{64}\.part(\.done)?$/.test(name) ? STALE_LARGE_MS : STALE_PART_MS;
}

/** @returns null when it is not there */
export async function statOrNull(path: string): Promise<Stats | null> {
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
