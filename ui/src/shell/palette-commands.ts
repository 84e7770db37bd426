import type { JobSummary } from '../../../src/shared/contracts/messages.ts';

export interface PaletteCommand {
  id: string;
  group: 'This job' | 'Go to' | 'Jobs' | 'Workers' | 'Templates' | 'Page';
  label: string;
  icon: string;
  /** What stands behind it: a state, a key. */
  hint?: string;
  run: () => void;
}

const MOST_SHOWN = 30;

/** Those of which the text says every word, in the order of their groups; what begins with the text first. */
export function findCommands(commands: readonly PaletteCommand[], text: string): PaletteCommand[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = [...new Set(commands.map((command) => command.group))];
  return commands
    .filter(({ label, group }) => words.every((word) => `${label} ${group}`.toLowerCase().includes(word)))
    .map((command, place) => ({ command, place }))
    .sort(
      (a, b) =>
        groups.indexOf(a.command.group) - groups.indexOf(b.command.group) ||
        rank(a.command, words) - rank(b.command, words) ||
        a.place - b.place,
    )
    .slice(0, MOST_SHOWN)
    .map(({ command }) => command);
}

const rank = ({ label }: PaletteCommand, [first = '']: string[]): number =>
  label.toLowerCase().startsWith(first) ? 0 : 1;

export const jobHint = (job: JobSummary): string => `${job.owner.slice(0, 40)} · ${job.state}`;
