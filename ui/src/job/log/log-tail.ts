import { LogBuffer, type LogLine } from './log-text.ts';

export const utf8Bytes = (text: string): number => new TextEncoder().encode(text).byteLength;

/** A log that grows by pieces at byte offsets; pieces that are known already do no harm. */
export class LogTail {
  #buffer = new LogBuffer();
  /** The byte that the next piece should begin with. */
  offset = 0;
  /** Bytes before the first line here that are not kept; null when the log is whole. */
  cutAt: number | null = null;

  /** Begins anew with text that ends before `nextOffset`. */
  restart(text: string, nextOffset: number): void {
    this.#buffer = new LogBuffer();
    this.#buffer.append(text);
    this.offset = nextOffset;
    const start = nextOffset - utf8Bytes(text);
    this.cutAt = start > 0 ? start : null;
  }

  /** Begins anew at a place of the log, of which so many lines lie before. */
  openAt(offset: number, linesBefore: number): void {
    this.#buffer = new LogBuffer(linesBefore);
    this.offset = offset;
    this.cutAt = offset > 0 ? offset : null;
  }

  /** @param end where the text ends; by default its own length further on. */
  add(piece: { offset: number; text: string }, end = piece.offset + utf8Bytes(piece.text)): void {
    if (piece.offset < this.offset) return;
    if (this.offset === 0 && piece.offset > 0) this.cutAt = piece.offset;
    this.#buffer.append(piece.text);
    this.offset = end;
  }

  lines(): LogLine[] {
    return this.#buffer.lines();
  }
}
