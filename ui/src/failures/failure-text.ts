import type { Failures, Fault } from '../../../src/shared/contracts/failure-api.ts';
import type { StateLook } from '../common/states.ts';
import { plural } from '../common/units.ts';

export const SINCE = ['1h', '24h', '7d'] as const;
export type Since = (typeof SINCE)[number];

const WORDS: Record<Since, string> = { '1h': 'hour', '24h': '24 hours', '7d': '7 days' };

/** `the last 24 hours`, as it stands in a sentence. */
export const sinceWords = (since: Since): string => `the last ${WORDS[since]}`;

export const FAULT_LOOKS: Record<Fault, StateLook> = {
  worker: { word: 'Worker', icon: 'i-lucide-server-crash', colour: 'var(--state-held)' },
  scene: { word: 'Scene', icon: 'i-lucide-box', colour: 'var(--state-failed)' },
  farm: { word: 'Farm', icon: 'i-lucide-network', colour: 'var(--state-warned)' },
  unclear: { word: 'Unclear', icon: 'i-lucide-circle-help', colour: 'var(--state-waiting)' },
};

/** What the farm looked at: `7 reasons, 1,204 failed attempts`. */
export function failuresSummary({ groups, hiddenGroups, considered, truncated }: Failures): string {
  const attempts = truncated
    ? `the newest ${considered.toLocaleString('en-US')} failed attempts`
    : plural(considered, 'failed attempt');
  return `${plural(groups.length + hiddenGroups, 'reason')} in ${attempts}`;
}

/** How dark a cell of a heat strip is: 0 for nothing, else 0.25 to 1; few differ from none at a glance. */
export function heat(count: number, most: number): number {
  return count === 0 || most === 0 ? 0 : 0.25 + 0.75 * (count / most);
}

/** When a column of the strip was: `2 h to 1 h ago`. @param of columns */
export function columnWords(column: number, of: number, spanMs: number): string {
  const ago = (parts: number): string => {
    const minutes = Math.round((parts * spanMs) / of / 60_000);
    if (minutes < 120) return `${minutes} m`;
    return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} d`;
  };
  const end = of - 1 - column;
  return end === 0 ? `the last ${ago(1)}` : `${ago(end + 1)} to ${ago(end)} ago`;
}
