import { decodeJson } from '../../shared/contracts/decode.ts';
import { MAX_ROW_BYTES } from '../../shared/contracts/batch.ts';
import { FarmError, describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import type { RowsFile } from './rows-file.ts';

/** How far a file has been read. */
export interface RowsCursor {
  /** Bytes. */
  position: number;
  lines: number;
  rows: number;
}

export type ReadRow = {
  row: number;
  line: number;
  /** What has been read once this row has been dealt with. */
  after: RowsCursor;
} & ({ values: Record<string, unknown> } | { issues: InputIssue[] });

const WINDOW_BYTES = 1_048_576;
const NEWLINE = 0x0a;

/**
 * The next rows of a file of JSON lines, at most `most`, from a window of a megabyte: whatever its size, memory does not grow.
 * Empty lines are no rows. @returns `end` when the file has been read to its end
 */
export async function readRows(
  file: RowsFile,
  cursor: RowsCursor,
  most: number,
): Promise<{ rows: ReadRow[]; end: RowsCursor | null }> {
  const window = await file.read(cursor.position, WINDOW_BYTES);
  const last = cursor.position + window.length >= file.sizeBytes;
  const rows: ReadRow[] = [];
  let { lines, rows: count } = cursor;
  let at = 0;
  while (at < window.length && rows.length < most) {
    let end = window.indexOf(NEWLINE, at);
    let next = end + 1;
    let tooLong = false;
    if (end === -1) {
      tooLong = !last && window.length - at > MAX_ROW_BYTES;
      if (!last && !tooLong) break;
      end = window.length;
      next = tooLong
        ? (await endOfLine(file, cursor.position + window.length)) - cursor.position
        : window.length;
    }
    lines++;
    const bytes = window.subarray(at, end);
    at = next;
    if (!tooLong && isBlank(bytes)) continue;
    count++;
    const after = { position: cursor.position + at, lines, rows: count };
    rows.push({ row: count, line: lines, after, ...decodeRow(bytes) });
  }
  const position = cursor.position + at;
  if (at === 0 && position < file.sizeBytes)
    throw new FarmError(
      'invalid',
      `The file of rows ends after ${position + window.length} bytes of ${file.sizeBytes}. Upload it again.`,
    );
  return { rows, end: position >= file.sizeBytes ? { position, lines, rows: count } : null };
}

/** Where the line ends of which the beginning is too long already: after its newline. */
async function endOfLine(file: RowsFile, from: number): Promise<number> {
  for (let position = from; position < file.sizeBytes;) {
    const window = await file.read(position, WINDOW_BYTES);
    const found = window.indexOf(NEWLINE);
    if (found !== -1) return position + found + 1;
    position += window.length;
  }
  return file.sizeBytes;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}

/** `$line` and `$problem` are about the row; the rest is its data. */
function decodeRow(
  bytes: Buffer,
): { values: Record<string, unknown>; line?: number } | { issues: InputIssue[]; line?: number } {
  let value: unknown;
  try {
    // A byte-order mark is no part of the first row: the decoder drops it.
    value = decodeJson(bytes, { what: 'The row', maxBytes: MAX_ROW_BYTES });
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    if (error.issues.length > 0) return { issues: error.issues.map(toPointer) };
    const expected = `a row of at most ${MAX_ROW_BYTES.toLocaleString('en')} bytes`;
    return { issues: [{ path: '', value: 'a longer one', expected }] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return {
      issues: [{ path: '', value: describeValue(value), expected: 'an object such as {"title":"Hello"}' }],
    };
  const { $line: line, $problem: problem, ...values } = value as Record<string, unknown>;
  const at = typeof line === 'number' && Number.isSafeInteger(line) && line > 0 ? { line } : {};
  if (problem === undefined) return { values, ...at };
  const text = typeof problem === 'string' ? problem : describeValue(problem);
  return { issues: [{ path: '', value: text.slice(0, 300), expected: 'a row that can be read' }], ...at };
}

const toPointer = (issue: InputIssue): InputIssue => ({
  ...issue,
  path: issue.path === '' ? '' : `/${issue.path}`,
});
