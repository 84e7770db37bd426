import type { History, Notes } from '../../shared/contracts/api.ts';
import { printable, printableLines } from './output.ts';
import { formatTable } from './table.ts';

/** Notes, oldest first, each with author and time. Nothing when there are none. */
export function notesText(notes: Notes['notes']): string {
  return notes
    .toReversed()
    .map(({ author, text, at }) => {
      const lines = printableLines(text).split('\n');
      return [`note by ${printable(author)}, ${at}`, ...lines.map((line) => `  ${line}`)].join('\n');
    })
    .join('\n');
}

/** Who did what and when, oldest first. Nothing when nobody did anything. */
export function historyText(events: History['events']): string {
  if (events.length === 0) return '';
  return formatTable(
    ['WHEN', 'WHO', 'ASKED FOR', 'OUTCOME'],
    events
      .toReversed()
      .map(({ at, actor, kind, ok, message }) => [at, actor, kind, ok ? message : `refused: ${message}`]),
  );
}
