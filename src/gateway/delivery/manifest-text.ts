import type { ResultFileEntry } from '../../shared/contracts/delivery-api.ts';
import { csvLine } from '../../shared/domain/csv-text.ts';
import type { JobResults } from '../ledger/result-reader.ts';

/** What a manifest says of a file, without the place where the farm keeps it. */
export function manifestEntry(file: ResultFileEntry): ResultFileEntry {
  const { name, bytes, sha256, step, frame, output } = file;
  const { worker, engine, engineVersion, definition, seconds, verdict } = file;
  return {
    name,
    bytes,
    sha256,
    step,
    frame,
    output,
    worker,
    engine,
    engineVersion,
    definition,
    seconds,
    verdict,
  };
}

const PIECE_CHARACTERS = 65_536;

/**
 * A manifest as JSON, in pieces. Counts come at the end: a manifest that was cut off is no JSON.
 * @param at when it was begun, by the database's or this machine's clock
 */
export async function* manifestJson(
  job: JobResults['job'],
  files: AsyncIterable<ResultFileEntry>,
  at: Date,
): AsyncGenerator<string> {
  const { id, name, project, labels, state } = job;
  const head = { version: 1, job: { id, name, project, labels, state }, at: at.toISOString() };
  let piece = `${JSON.stringify(head).slice(0, -1)},"files":[`;
  let count = 0;
  let bytes = 0;
  for await (const file of files) {
    piece += `${count === 0 ? '' : ','}\n${JSON.stringify(manifestEntry(file))}`;
    count++;
    bytes += file.bytes;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}\n],"count":${count},"bytes":${bytes}}\n`;
}

const COLUMNS = [
  'name',
  'bytes',
  'sha256',
  'step',
  'frame',
  'output',
  'worker',
  'engine',
  'engineVersion',
  'definition',
  'seconds',
  'verdict',
] as const satisfies readonly (keyof ResultFileEntry)[];

/** A manifest as CSV, in pieces, with a line of headings. */
export async function* manifestCsv(files: AsyncIterable<ResultFileEntry>): AsyncGenerator<string> {
  let piece = csvLine(COLUMNS);
  for await (const file of files) {
    piece += csvLine(COLUMNS.map((column) => file[column]));
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
