import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { InvalidInputError } from '../../shared/domain/errors.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import type { ObjectStore } from './object-store.ts';
import type { PartStore } from './part-store.ts';

/** How long one call waits for the end; whoever asked asks again. */
const ANSWER_WITHIN_MS = 15_000;

/**
 * Reads what was uploaded in parts and holds it against its name: S3 checks each part, and nobody the whole. What is
 * not what it is called is removed, or nobody could ever upload the right bytes.
 */
export class AssetVerifier {
  readonly #objects: ObjectStore;
  readonly #parts: PartStore;
  readonly #running = new Map<string, Promise<string | undefined>>();

  constructor(objects: ObjectStore, parts: PartStore) {
    this.#objects = objects;
    this.#parts = parts;
  }

  /**
   * @returns false when it has to be asked again.
   * @throws InvalidInputError when the bytes are others, or none.
   */
  async verify(sha256: string): Promise<boolean> {
    let running = this.#running.get(sha256);
    if (running === undefined) {
      running = this.#read(sha256).finally(() => this.#running.delete(sha256));
      this.#running.set(sha256, running);
    }
    const waiting = new AbortController();
    const found = await Promise.race([
      running.then((hash) => ({ hash })),
      pause(ANSWER_WITHIN_MS, undefined, { signal: waiting.signal, ref: false }),
    ]).finally(() => waiting.abort());
    if (found === undefined) {
      running.catch(() => undefined); // said to whoever asks next
      return false;
    }
    if (found.hash === sha256) return true;
    const value = found.hash === undefined ? 'no such object' : `bytes whose SHA-256 is ${found.hash}`;
    throw new InvalidInputError('The upload', [
      { path: 'sha256', value, expected: `the bytes that ${sha256} names; upload the file again` },
    ]);
  }

  /** @returns the hash of what is there */
  async #read(sha256: string): Promise<string | undefined> {
    const stream = await this.#objects.read(assetKey(sha256));
    if (stream === undefined) return undefined;
    const found = await hashStream(stream);
    if (found === sha256) await this.#parts.markVerified(sha256);
    else await this.#parts.remove(sha256);
    return found;
  }
}

async function hashStream(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
