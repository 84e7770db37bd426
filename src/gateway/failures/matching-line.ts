/** Lines before and after the one that says it. */
const AROUND = 3;
const LONGEST_LINE = 500;
/** Colours of a terminal. */
const COLOURS = /\u001b\[[0-9;]*[A-Za-z]/g;
/** Fewer characters are found anywhere. */
const SHORTEST_MATCH = 6;

export interface LogExcerpt {
  before: string[];
  line: string;
  after: string[];
}

/** The last line of a log that says what an attempt failed with, and what stands around it. Pure. */
export function matchingLine(log: string, message: string): LogExcerpt | null {
  const wanted = plain(message)
    .split('\n')
    .map(squeezed)
    .filter((line) => line.length >= SHORTEST_MATCH);
  if (wanted.length === 0) return null;
  const lines = plain(log)
    .split('\n')
    .map((line) => line.trimEnd());
  const compared = lines.map(squeezed);
  for (const words of wanted) {
    const at = compared.findLastIndex(
      (line) => line.includes(words) || (line.length >= 20 && words.includes(line)),
    );
    if (at < 0) continue;
    const cut = (from: number, to: number): string[] => lines.slice(Math.max(0, from), to).map(shortened);
    return {
      before: cut(at - AROUND, at),
      line: shortened(lines[at] ?? ''),
      after: cut(at + 1, at + 1 + AROUND).filter((line, index, all) => line !== '' || index < all.length - 1),
    };
  }
  return null;
}

const plain = (text: string): string => text.replace(COLOURS, '').replaceAll('\r', '\n');
const squeezed = (line: string): string =>
  line.trim().replace(/\s+/g, ' ').replace(/\.$/, '').slice(0, LONGEST_LINE);
const shortened = (line: string): string =>
  line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line;
