import { useAssets } from '../../shared/database/asset-uses.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { assetKey, verifiedKey } from '../../shared/storage/keys.ts';
import type { ObjectStore } from './object-store.ts';

/** What was seen so lately is not looked for again: a scene is submitted over and over with one texture changed. */
const KNOWN_FOR_MS = 3_600_000;
const MOST_KNOWN = 200_000;
/** A removal takes no longer than this but when a coordinator died in the middle of it. */
const WAIT_MS = 5_000;

/** What the farm has at a hash. */
export type Presence =
  | { state: 'missing' }
  /** It is just being removed, because nobody has used it for long; soon it is missing. */
  | { state: 'removing' }
  | { state: 'there'; bytes: number }
  /** All bytes are there, put together from parts, and nobody has hashed the whole yet. */
  | { state: 'unverified'; bytes: number };

/**
 * Which assets are in the storage. Objects never change, so those that were there a short time ago are remembered. Before it
 * is looked for one, the ledger notes that somebody relies on it: what is said to be there is not removed for a day.
 */
export class AssetPresence {
  readonly #objects: ObjectStore;
  readonly #ledger: Ledger;
  /** The longest known first. */
  readonly #known = new Map<string, { bytes: number; until: number }>();

  constructor(objects: ObjectStore, ledger: Ledger) {
    this.#objects = objects;
    this.#ledger = ledger;
  }

  /**
   * Notes for many at once that somebody relies on them.
   * @returns those that are just being removed; of the others {@link look} can be asked with `noted`
   */
  async use(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    const unknown = hashes.filter((sha256) => this.#remembered(sha256) === undefined);
    return await useAssets(this.#ledger, unknown, WAIT_MS);
  }

  /** @param noted that somebody relies on it is in the ledger already */
  async look(sha256: string, noted = false): Promise<Presence> {
    const bytesKnown = this.#remembered(sha256);
    if (bytesKnown !== undefined) return { state: 'there', bytes: bytesKnown };
    if (!noted && (await this.use([sha256])).size > 0) return { state: 'removing' };
    const object = await this.#objects.look(assetKey(sha256));
    if (object === undefined) return { state: 'missing' };
    const { bytes } = object;
    if (object.fromParts && (await this.#objects.look(verifiedKey(sha256))) === undefined)
      return { state: 'unverified', bytes };
    this.#remember(sha256, bytes);
    return { state: 'there', bytes };
  }

  #remembered(sha256: string): number | undefined {
    const known = this.#known.get(sha256);
    return known !== undefined && known.until > Date.now() ? known.bytes : undefined;
  }

  #remember(sha256: string, bytes: number): void {
    this.#known.delete(sha256);
    this.#known.set(sha256, { bytes, until: Date.now() + KNOWN_FOR_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}
