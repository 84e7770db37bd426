import { ansiSpans, type AnsiColour } from './ansi-spans.ts';
import { visible, type LogLine } from './log-text.ts';

export interface LinePiece {
  text: string;
  hit: boolean;
  colour?: AnsiColour;
  bold: boolean;
}

const MOST_PIECES = 200;

/** A line in pieces, so that colours and what was searched for are shown without building HTML. @param find null: nothing */
export function linePieces(line: LogLine, find: RegExp | null): LinePiece[] {
  const spans = line.coloured === undefined ? [{ text: line.text, bold: false }] : ansiSpans(line.coloured);
  const hits =
    find === null
      ? []
      : [...line.text.matchAll(find)].map(({ 0: hit, index }) => [index, index + hit.length] as const);
  const pieces: LinePiece[] = [];
  let start = 0;
  for (const span of spans) {
    const text = visible(span.text).slice(0, Math.max(0, line.text.length - start));
    const cuts = [0, ...hits.flatMap((hit) => hit.map((at) => at - start)), text.length]
      .filter((at) => at >= 0 && at <= text.length)
      .sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i++) {
      const [from = 0, to = 0] = [cuts[i], cuts[i + 1]];
      if (from === to) continue;
      const at = start + from;
      pieces.push({ ...span, text: text.slice(from, to), hit: hits.some(([a, b]) => at >= a && at < b) });
    }
    start += span.text.length;
    if (pieces.length > MOST_PIECES) break;
  }
  return pieces;
}

/** @returns null where nothing is looked for */
export function finderOf(text: string, exact: boolean): RegExp | null {
  return text === '' ? null : new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), exact ? 'g' : 'gi');
}
