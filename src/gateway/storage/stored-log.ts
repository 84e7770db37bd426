import type { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import type { ObjectStore } from './object-store.ts';
import { tailOf, wholeCharacters, type LogSlice } from './log-text.ts';

/** Reads logs of ended attempts, which are kept compressed as `logs/…/….log.zst`. */
export class StoredLogs {
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /**
   * A piece from a byte offset of the plain text on. Reads no further than needed and keeps no more in memory.
   * @returns undefined where there is no such log.
   */
  async slice(key: string, offset: number, maxBytes: number): Promise<LogSlice | undefined> {
    const compressed = await this.#objects.read(key);
    if (!compressed) return undefined;
    const kept: Buffer[] = [];
    let position = 0;
    for await (const chunk of plainOf(compressed)) {
      const from = Math.max(0, offset - position);
      position += chunk.length;
      if (from < chunk.length) kept.push(chunk.subarray(from));
      // A few bytes more than wanted show whether the last character is whole.
      if (position >= offset + maxBytes + 4) break;
    }
    const bytes = wholeCharacters(Buffer.concat(kept), maxBytes);
    return { offset, text: bytes.toString('utf8'), nextOffset: offset + bytes.length };
  }

  /** The last piece of the log. @returns undefined where there is no such log. */
  async tail(key: string, maxBytes: number): Promise<LogSlice | undefined> {
    const compressed = await this.#objects.read(key);
    if (!compressed) return undefined;
    let kept = Buffer.alloc(0);
    let position = 0;
    for await (const chunk of plainOf(compressed)) {
      position += chunk.length;
      kept = Buffer.concat([kept, chunk]);
      if (kept.length > 4 * maxBytes) kept = kept.subarray(-maxBytes);
    }
    return tailOf(kept, position, maxBytes);
  }
}

/** Ends the download when the reader has enough. */
async function* plainOf(compressed: Readable): AsyncGenerator<Buffer> {
  const plain = createZstdDecompress();
  compressed.on('error', (error) => plain.destroy(error));
  compressed.pipe(plain);
  try {
    yield* plain as AsyncIterable<Buffer>;
  } finally {
    compressed.destroy();
    plain.destroy();
  }
}
