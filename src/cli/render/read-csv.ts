import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable, pipeline } from 'node:stream';
import { parse, type CsvError } from 'csv-parse';
import { MAX_ROW_BYTES } from '../../shared/contracts/batch.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { UsageError } from '../support/exit-codes.ts';

/** One record of a table, with the line that it begins on. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

/** What the parser gives with `info`: lines are counted to the record's end, and CRLF inside quotes counts twice. */
interface ParsedRecord {
  info: { lines: number };
  record: string[];
}

const SNIFFED_BYTES = 65_536;

/**
 * The records of a CSV file as they are read, the header first: any size, at constant memory. Commas, semicolons or tabs,
 * whichever the header has most of; quotes, line breaks inside quotes, CRLF and a byte-order mark are understood. Empty lines
 * are left out.
 * @throws UsageError when the file cannot be read, is not UTF-8, or a quote is not closed.
 */
export async function* readCsv(file: string): AsyncGenerator<CsvRecord> {
  const parser = parse({
    delimiter: await delimiterOf(file),
    relax_column_count: true,
    // 5" is a text like any other.
    relax_quotes: true,
    skip_empty_lines: true,
    info: true,
    raw: false,
    max_record_size: 4 * MAX_ROW_BYTES,
  });
  // What goes wrong before the parser reaches the loop below through it.
  pipeline(Readable.from(decoded(file)), parser, () => undefined);
  let twice = 0;
  try {
    for await (const { info, record } of parser as AsyncIterable<ParsedRecord>) {
      const text = record.join('');
      twice += countOf(text, /\r\n/g);
      yield { line: info.lines - twice - countOf(text, /\r\n|\n|\r/g), cells: record };
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be read as CSV: ${explain(error)}`, { cause: error });
  }
}

const countOf = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

function explain(error: unknown): string {
  const { code, lines } = error as CsvError & { lines?: number };
  if (code === 'CSV_QUOTE_NOT_CLOSED') return `a quote is not closed (${messageOf(error)}).`;
  if (code === 'CSV_MAX_RECORD_SIZE')
    return `the row that ends on line ${lines ?? '?'} is longer than ${MAX_ROW_BYTES.toLocaleString('en')} bytes; is a quote not closed?`;
  return messageOf(error);
}

/** Text, and not what a wrong encoding would make of it. */
async function* decoded(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      const text = decoder.decode(chunk, { stream: true });
      if (text !== '') yield text;
    }
    decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError))
      throw new UsageError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
    throw new UsageError(
      `${file} is not UTF-8 text. Save it as "CSV UTF-8", or convert it: iconv -f windows-1252 -t utf-8.`,
      { cause: error },
    );
  }
}

async function delimiterOf(file: string): Promise<string> {
  if (/\.tsv$/i.test(file)) return '\t';
  const header = await firstLine(file);
  // Quoted names may hold anything.
  const bare = header.replace(/"[^"]*"/g, '');
  const counts = [',', ';', '\t'].map((one) => ({ one, count: bare.split(one).length }));
  return counts.reduce((most, next) => (next.count > most.count ? next : most)).one;
}

async function firstLine(file: string): Promise<string> {
  const handle = await open(file).catch((error: unknown) => {
    throw new UsageError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.subarray(0, bytesRead).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
  } finally {
    await handle.close();
  }
}
