import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { JsonObject } from '../submit/params.ts';
import { count } from '../support/table.ts';
import { UsageError } from '../support/exit-codes.ts';
import { readCsv } from './read-csv.ts';
import { cellReader, type CellReader } from './typed-cells.ts';

/** What was written. */
export interface WrittenRows {
  rows: number;
  /** Rows with more or fewer cells than the header, the first of them; the farm refuses each by its line. */
  ragged: string[];
  raggedCount: number;
}

const MOST_NAMED = 20;
const BUFFERED_BYTES = 262_144;

/**
 * Turns a CSV file into the JSON lines that a batch takes, row by row.
 * @param to a file that is written anew
 * @throws UsageError when the table cannot be read, does not fit the template or has no rows.
 */
export async function writeRows(
  from: string,
  to: string,
  {
    schema,
    namePattern,
    signal,
  }: { schema: JsonObject; namePattern: string | undefined; signal: AbortSignal },
): Promise<WrittenRows> {
  const sink = createWriteStream(to, { highWaterMark: BUFFERED_BYTES });
  const written: WrittenRows = { rows: 0, ragged: [], raggedCount: 0 };
  let header: readonly string[] | undefined;
  let read: CellReader = () => ({});
  try {
    for await (const { line, cells } of readCsv(from)) {
      signal.throwIfAborted();
      if (header === undefined) {
        header = cells;
        read = cellReader({ file: from, header }, schema, namePattern);
        continue;
      }
      written.rows++;
      const row =
        cells.length === header.length ? { ...read(cells), $line: line } : raggedRow(line, cells, header);
      if ('$problem' in row) noteRagged(written, `line ${line} has ${row.$problem}`);
      if (!sink.write(`${JSON.stringify(row)}\n`)) await once(sink, 'drain', { signal });
    }
  } finally {
    sink.end();
    await finished(sink);
  }
  if (header === undefined) throw new UsageError(`${from} is empty; its first line names the columns.`);
  if (written.rows === 0) throw new UsageError(`${from} has a header and no rows.`);
  return written;
}

function raggedRow(
  line: number,
  cells: readonly string[],
  header: readonly string[],
): { $line: number; $problem: string } {
  const expected = `${header.length} (${header.join(', ')})`.slice(0, 200);
  return { $line: line, $problem: `${count(cells.length, 'cell')} instead of ${expected}` };
}

function noteRagged(written: WrittenRows, problem: string): void {
  written.raggedCount++;
  if (written.ragged.length < MOST_NAMED) written.ragged.push(problem);
}
