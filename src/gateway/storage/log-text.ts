/** Pieces of a log at their byte offsets, which may overlap (sent twice) and may have gaps (no longer kept). */
export interface LogPart {
  offset: number;
  text: string;
}

export interface LogSlice {
  /** Where `text` begins: as asked, or later where the bytes before are gone. */
  offset: number;
  text: string;
  nextOffset: number;
}

/**
 * The text from `offset` on, at most `maxBytes` of UTF-8, never ending inside a character. Ends at a gap, so that the
 * next call begins behind it.
 */
export function sliceLog(parts: readonly LogPart[], offset: number, maxBytes: number): LogSlice {
  const sorted = [...parts].sort((a, b) => a.offset - b.offset);
  const chunks: Buffer[] = [];
  let start = offset;
  let end = offset;
  for (const part of sorted) {
    const bytes = Buffer.from(part.text);
    if (part.offset + bytes.length <= end) continue;
    if (part.offset > end) {
      if (chunks.length > 0) break;
      start = end = part.offset;
    }
    chunks.push(bytes.subarray(end - part.offset));
    end = part.offset + bytes.length;
    if (end - start >= maxBytes) break;
  }
  const bytes = wholeCharacters(Buffer.concat(chunks), maxBytes);
  return { offset: start, text: bytes.toString('utf8'), nextOffset: start + bytes.length };
}

/** All that is there; a line of its own says where bytes are no longer kept, and how many. */
export function wholeLog(parts: readonly LogPart[]): string {
  const pieces: string[] = [];
  for (let at = 0; ;) {
    const { offset, text, nextOffset } = sliceLog(parts, at, Infinity);
    if (text === '') return pieces.join('');
    if (offset > at)
      pieces.push(`[… ${(offset - at).toLocaleString('en-US')} bytes of this log are no longer kept …]\n`);
    pieces.push(text);
    at = nextOffset;
  }
}

/** At most `maxBytes` of UTF-8 without the beginning of a character at the end. */
export function wholeCharacters(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  // Bytes 10xxxxxx continue a character that began before the cut.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

const NEWLINE = 10;

/** Without what follows the last end of a line, where there is one. */
export function wholeLines(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(NEWLINE);
  return end < 0 ? bytes : bytes.subarray(0, end + 1);
}

export function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/**
 * The last `maxBytes` of what was read, from the beginning of a line where there is one, never inside a character.
 * @param end byte offset in the log at which `bytes` end.
 */
export function tailOf(bytes: Buffer, end: number, maxBytes: number): LogSlice {
  let start = Math.max(0, bytes.length - maxBytes);
  if (start > 0) {
    const line = bytes.indexOf(NEWLINE, start - 1);
    if (line >= 0 && line < bytes.length - 1) start = line + 1;
  }
  while (start > 0 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  const tail = bytes.subarray(start);
  return { offset: end - tail.length, text: tail.toString('utf8'), nextOffset: end };
}
