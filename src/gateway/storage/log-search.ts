import { InvalidInputError, describeValue, messageOf } from '../../shared/domain/errors.ts';
import type { LogSearch } from '../../shared/contracts/job-views.ts';
import { Pattern, PatternError } from '../../shared/engines/patterns.ts';

const MOST_MATCHES = 500;
const MOST_CHARACTERS = 300;
/** Expressions are slower than text by far: what they have not looked at by then is said. */
const MOST_MS = 8_000;
const NEWLINE = 10;
/** Looked at at once. */
const BLOCK_BYTES = 1_048_576;

/** Where the next match in a text begins, from a place on; -1: there is none. */
type Finder = (text: string, from: number) => number;

export interface Wanted {
  text: string;
  case: boolean;
  regex: boolean;
}

/** @throws InvalidInputError when a regular expression is none */
export function lineFinder({ text, case: exact, regex }: Wanted): (block: string) => Finder {
  if (regex) {
    const pattern = compile(text, exact);
    return () => (block, from) =>
      nextLineThat(block, from, (line) => pattern.test(line.slice(0, LONGEST_LINE)));
  }
  const wanted = exact ? text : text.toLowerCase();
  return (block) => {
    const searched = exact ? block : block.toLowerCase();
    // Few letters change their length in lower case; where one does, each line is looked at by itself.
    if (searched.length === block.length) return (_block, from) => searched.indexOf(wanted, from);
    return (_block, from) => nextLineThat(block, from, (line) => line.toLowerCase().includes(wanted));
  };
}

/** The lines of a log that match, from beginning to end, in constant memory. */
export async function searchLog(
  log: AsyncIterable<Buffer>,
  finderOf: (block: string) => Finder,
): Promise<LogSearch> {
  const found: LogSearch = { matches: [], count: 0, searched: 0, done: false };
  const state = { line: 1, stopAt: Date.now() + MOST_MS };
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of log) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes < BLOCK_BYTES) continue;
    const block = Buffer.concat(parts);
    const end = block.lastIndexOf(NEWLINE) + 1 || block.length;
    searchBlock(block.subarray(0, end), finderOf, found, state);
    parts = [block.subarray(end)];
    bytes = block.length - end;
    if (Date.now() > state.stopAt) return found;
  }
  searchBlock(Buffer.concat(parts), finderOf, found, state);
  return { ...found, done: true };
}

function searchBlock(
  block: Buffer,
  finderOf: (block: string) => Finder,
  found: LogSearch,
  state: { line: number },
): void {
  const text = block.toString('utf8');
  const find = finderOf(text);
  /** Up to here lines and bytes are counted. */
  let counted = 0;
  let offset = found.searched;
  for (let at = find(text, 0); at >= 0;) {
    const start = text.lastIndexOf('\n', at) + 1;
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    found.count++;
    if (found.matches.length < MOST_MATCHES) {
      const before = text.slice(counted, start);
      offset += Buffer.byteLength(before);
      state.line += newlinesIn(before);
      counted = start;
      found.matches.push({
        offset,
        line: state.line,
        text: text.slice(start, Math.min(end, start + MOST_CHARACTERS)),
      });
    }
    if (newline < 0) break;
    at = find(text, newline + 1);
  }
  if (found.matches.length < MOST_MATCHES) state.line += newlinesIn(text.slice(counted));
  found.searched += block.length;
}

function nextLineThat(text: string, from: number, matches: (line: string) => boolean): number {
  for (let start = from; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    if (matches(text.slice(start, end))) return start;
    start = end + 1;
  }
  return -1;
}

function newlinesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** A line is searched once for each of these: with more, one search could hold up the gateway. */
const MOST_INSTRUCTIONS = 150;
/** Of a line, what an expression is held against. */
const LONGEST_LINE = 2_000;

function compile(text: string, exact: boolean): Pattern {
  try {
    const pattern = new Pattern(exact ? text : `(?i)${text}`);
    if (pattern.size <= MOST_INSTRUCTIONS) return pattern;
    throw noPattern(text, 'a shorter regular expression, or one with smaller counts in its braces');
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw noPattern(text, `a regular expression: ${messageOf(error)}`);
  }
}

const noPattern = (text: string, expected: string): InvalidInputError =>
  new InvalidInputError('The request', [{ path: 'text', value: describeValue(text), expected }]);
