import { assetKey, verifiedKey } from '../../shared/storage/keys.ts';
import type { ObjectStore } from './object-store.ts';

/** What was seen so lately is not looked for again: a scene is submitted over and over with one texture changed. */
const KNOWN_FOR_MS = 3_600_000;
const MOST_KNOWN = 200_000;

/** What the farm has at a hash. */
export type Presence =
  | { state: 'missing' }
  | { state: 'there'; bytes: number }
  /** All bytes are there, put together from parts, and nobody has hashed the whole yet. */
  | { state: 'unverified'; bytes: number };

/** Which assets are in the storage. Objects never change, so those that were there a short time ago are remembered. */
export class AssetPresence {
  readonly #objects: ObjectStore;
  /** The longest known first. */
  readonly #known = new Map<string, { bytes: number; until: number }>();

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async look(sha256: string): Promise<Presence> {
    const known = this.#known.get(sha256);
    if (known !== undefined && known.until > Date.now()) return { state: 'there', bytes: known.bytes };
    const object = await this.#objects.look(assetKey(sha256));
    if (object === undefined) return { state: 'missing' };
    const { bytes } = object;
    if (object.fromParts && (await this.#objects.look(verifiedKey(sha256))) === undefined)
      return { state: 'unverified', bytes };
    this.#remember(sha256, bytes);
    return { state: 'there', bytes };
  }

  #remember(sha256: string, bytes: number): void {
    this.#known.delete(sha256);
    this.#known.set(sha256, { bytes, until: Date.now() + KNOWN_FOR_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}
