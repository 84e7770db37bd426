import {
  partBytesOf,
  type PartLink,
  type PartLinkRequest,
  type PartsCompleteRequest,
  type PartsReply,
  type PartsVerifyReply,
} from '../../shared/contracts/asset-api.ts';
import { FarmError, InvalidInputError } from '../../shared/domain/errors.ts';
import type { AssetPresence } from '../storage/asset-presence.ts';
import type { AssetVerifier } from '../storage/asset-verifier.ts';
import type { PartStore } from '../storage/part-store.ts';

interface LargeObject {
  sha256: string;
  size: number;
}

/** Big files, uploaded in parts; an upload that was cut off, by whomever, is gone on with. */
export class PartUploads {
  readonly #presence: AssetPresence;
  readonly #parts: PartStore;
  readonly #verifier: AssetVerifier;

  constructor(presence: AssetPresence, parts: PartStore, verifier: AssetVerifier) {
    this.#presence = presence;
    this.#parts = parts;
    this.#verifier = verifier;
  }

  /** @throws FarmError `conflict` when the farm has the object, in another size */
  async begin({ sha256, size }: LargeObject): Promise<PartsReply> {
    const partBytes = partBytesOf(size);
    if (await this.#isThere({ sha256, size })) return { uploadId: null, partBytes, stored: [] };
    const uploadId = await this.#parts.begin(sha256);
    const parts = await this.#parts.parts(sha256, uploadId);
    const stored = parts.flatMap(({ PartNumber: part = 0, Size: bytes }) =>
      bytes === sizeOfPart(part, size, partBytes) ? [part] : [],
    );
    return { uploadId, partBytes, stored };
  }

  async link({ sha256, uploadId, part, partSha256 }: PartLinkRequest): Promise<PartLink> {
    return await this.#parts.signPart(sha256, uploadId, part, partSha256);
  }

  /**
   * Makes the parts one object. Its answer may be lost: asked again, it finds the object.
   * @throws FarmError `conflict` when parts are missing or others than they should be; the upload is given up then.
   * Also when the farm has the object in another size
   */
  async complete({ sha256, size, uploadId, parts }: PartsCompleteRequest): Promise<void> {
    if (await this.#isThere({ sha256, size })) return;
    const partBytes = partBytesOf(size);
    const stored = await this.#parts.parts(sha256, uploadId);
    const sizes = new Map(stored.map(({ PartNumber, Size }) => [PartNumber, Size]));
    const missing = parts.findIndex(
      (_, index) => sizes.get(index + 1) !== sizeOfPart(index + 1, size, partBytes),
    );
    if (missing >= 0 || parts.length !== Math.ceil(size / partBytes))
      throw new FarmError(
        'conflict',
        `Part ${missing + 1} of ${sha256.slice(0, 12)}… is missing or has another size; begin the upload again.`,
      );
    try {
      await this.#parts.complete(sha256, uploadId, stored, parts);
    } catch (error) {
      if (error instanceof FarmError && error.code === 'conflict') await this.#parts.abort(sha256, uploadId);
      throw error;
    }
  }

  /** @throws InvalidInputError when the object is not what its name says; it is removed then. */
  async verify({ sha256 }: LargeObject): Promise<PartsVerifyReply> {
    const found = await this.#presence.look(sha256);
    if (found.state === 'there') return { state: 'verified' };
    return { state: (await this.#verifier.verify(sha256)) ? 'verified' : 'verifying' };
  }

  /** What is there must never be replaced: its hash names it, and the size that somebody says may be wrong. */
  async #isThere({ sha256, size }: LargeObject): Promise<boolean> {
    const found = await this.#presence.look(sha256);
    if (found.state === 'missing') return false;
    if (found.state === 'removing')
      throw new FarmError(
        'unavailable',
        `${sha256.slice(0, 12)}… is just being removed, as nobody has used it for long. Begin again in a minute.`,
      );
    if (found.bytes === size) return true;
    if (found.state === 'unverified' && (await this.#isRemoved(sha256))) return false;
    throw new FarmError(
      'conflict',
      `The farm has ${sha256.slice(0, 12)}… with ${found.bytes} bytes, and not with ${size}. Hash the file again, and begin its upload again.`,
    );
  }

  /** Nobody hashed the whole yet: what is not what its name says goes, or the right bytes could never come. */
  async #isRemoved(sha256: string): Promise<boolean> {
    try {
      await this.#verifier.verify(sha256);
      return false; // it is what it is called, or that takes longer than one answer may
    } catch (error) {
      if (error instanceof InvalidInputError) return true;
      throw error;
    }
  }
}

function sizeOfPart(part: number, size: number, partBytes: number): number {
  return Math.min(partBytes, size - (part - 1) * partBytes);
}
