import { StringDecoder } from 'node:string_decoder';
import { storableText } from '../../shared/domain/text.ts';

/** A line longer than this is cut: an engine that prints megabytes without a line break must not fill the memory. */
export const MAX_LINE_LENGTH = 16_384;
const CUT_MARK = ' … (cut)';

/**
 * Cuts a byte stream into lines at `\n`, `\r\n` and `\r` (progress lines of POV-Ray and others end in `\r`).
 * Empty lines are left out. Broken UTF-8 and NUL become the replacement character.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  /** The line under way is over the limit already: what comes before its end is dropped. */
  #skipping = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Uint8Array): void {
    this.#take(this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
  }

  /** The stream has ended: what is left is a line, too. */
  end(): void {
    this.#take(this.#decoder.end());
    this.#emit(this.#rest);
    this.#rest = '';
    this.#skipping = false;
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split(/[\r\n]+/);
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      this.#emit(part);
      this.#skipping = false;
    }
    if (this.#rest.length > MAX_LINE_LENGTH) {
      this.#emit(this.#rest);
      this.#skipping = true;
      this.#rest = '';
    }
  }

  #emit(line: string): void {
    if (line === '' || this.#skipping) return;
    this.#onLine(
      line.length > MAX_LINE_LENGTH ? storableText(line, MAX_LINE_LENGTH) + CUT_MARK : storableText(line),
    );
  }
}
