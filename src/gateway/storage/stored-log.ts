import type { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import type { ObjectStore } from './object-store.ts';
import { countLines, tailOf, wholeCharacters, wholeLines, type LogSlice } from './log-text.ts';

/** A piece of a stored log, with its place among the lines. */
export interface StoredSlice extends LogSlice {
  /** Lines that end before the piece. */
  line: number;
}

/** Reads logs of ended attempts, which are kept compressed as `logs/…/….log.zst`. */
export class StoredLogs {
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /**
   * A piece from a byte offset of the plain text on, of whole lines where they are not longer than a piece. Reads no further
   * than needed and keeps no more in memory.
   * @returns undefined where there is no such log.
   */
  async slice(key: string, offset: number, maxBytes: number): Promise<StoredSlice | undefined> {
    const kept: Buffer[] = [];
    let position = 0;
    let line = 0;
    for await (const chunk of (await this.plain(key)) ?? NOTHING) {
      const from = Math.min(chunk.length, Math.max(0, offset - position));
      line += countLines(chunk.subarray(0, from));
      position += chunk.length;
      if (from < chunk.length) kept.push(chunk.subarray(from));
      // A few bytes more than wanted show whether the last character is whole.
      if (position >= offset + maxBytes + 4) break;
    }
    if (position === 0 && !(await this.#exists(key))) return undefined;
    const all = Buffer.concat(kept);
    const bytes = all.length <= maxBytes ? all : wholeLines(wholeCharacters(all, maxBytes));
    return { offset, text: bytes.toString('utf8'), nextOffset: offset + bytes.length, line };
  }

  /** The last piece of the log that ends at `before`, or at its end. @returns undefined where there is no such log. */
  async tail(key: string, maxBytes: number, before = Infinity): Promise<StoredSlice | undefined> {
    let kept: Buffer[] = [];
    let bytes = 0;
    let position = 0;
    let lines = 0;
    for await (const chunk of (await this.plain(key)) ?? NOTHING) {
      const wanted = chunk.subarray(0, Math.min(chunk.length, before - position));
      position += wanted.length;
      lines += countLines(wanted);
      kept.push(wanted);
      bytes += wanted.length;
      if (bytes > 4 * maxBytes) {
        kept = [Buffer.concat(kept).subarray(-2 * maxBytes)];
        bytes = 2 * maxBytes;
      }
      if (position >= before) break;
    }
    if (position === 0 && !(await this.#exists(key))) return undefined;
    const slice = tailOf(Buffer.concat(kept), position, maxBytes);
    return { ...slice, line: lines - countLines(Buffer.from(slice.text)) };
  }

  /** The plain text as it is read; ending it ends the download. @returns undefined where there is no such log. */
  async plain(key: string): Promise<AsyncGenerator<Buffer> | undefined> {
    const compressed = await this.#objects.read(key);
    return compressed && plainOf(compressed);
  }

  async #exists(key: string): Promise<boolean> {
    return (await this.#objects.size(key)) !== undefined;
  }
}

const NOTHING: readonly Buffer[] = [];

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
