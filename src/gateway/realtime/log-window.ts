import type { LogPatch } from './patch-body.ts';

const MAX_BYTES = 262_144;

/** The end of a log that grows, for those who read along. */
export class LogWindow {
  #pieces: LogPatch[] = [];
  #bytes = 0;

  /** @returns false where something before the piece is missing: what there was is forgotten then. */
  append(piece: LogPatch): boolean {
    const end = this.#end;
    const rest = end === undefined ? piece : behind(piece, end);
    if (rest?.bytes === 0) return true;
    if (!rest) this.clear();
    this.#pieces.push(rest ?? piece);
    this.#bytes += (rest ?? piece).bytes;
    while (this.#bytes > MAX_BYTES && this.#pieces.length > 1)
      this.#bytes -= this.#pieces.shift()?.bytes ?? 0;
    return rest !== undefined;
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  /**
   * @param from the byte offset at which the reader's text ends.
   * @returns the text behind it, empty where there is none; undefined where a piece is missing.
   */
  since(from: number): LogPatch | undefined {
    let text = '';
    let end = from;
    for (const piece of this.#pieces) {
      const rest = behind(piece, end);
      if (!rest) return undefined;
      text += rest.text;
      end += rest.bytes;
    }
    return { offset: from, text, bytes: end - from };
  }

  get #end(): number | undefined {
    const last = this.#pieces.at(-1);
    return last && last.offset + last.bytes;
  }
}

/** What of a piece lies behind `from`: pieces may come twice. Undefined where something between the two is missing. */
function behind(piece: LogPatch, from: number): LogPatch | undefined {
  if (piece.offset > from) return undefined;
  if (piece.offset === from) return piece;
  const bytes = Buffer.from(piece.text).subarray(from - piece.offset);
  return { offset: from, text: bytes.toString('utf8'), bytes: bytes.length };
}
