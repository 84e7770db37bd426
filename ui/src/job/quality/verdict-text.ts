import type { FrameQualityPage } from '../../../../src/shared/contracts/quality-api.ts';
import type { VerdictMark } from '../frames/verdict-grid.ts';
import type { StateLook } from '../../common/states.ts';

const look = (word: string, icon: string, mark: VerdictMark): StateLook => ({
  word,
  icon,
  colour: `var(--state-${mark})`,
});

/** How a verdict is shown: always a word, an icon and a colour together. */
export const VERDICT_LOOKS: Record<VerdictMark, StateLook> = {
  pass: look('Good', 'i-lucide-badge-check', 'pass'),
  warn: look('Warning', 'i-lucide-circle-alert', 'warn'),
  fail: look('Fails', 'i-lucide-circle-x', 'fail'),
  hold: look('To be decided', 'i-lucide-hand', 'hold'),
  unchecked: look('Not checked', 'i-lucide-circle-help', 'unchecked'),
  none: look('Not looked at', 'i-lucide-circle-dashed', 'none'),
};

type Judged = FrameQualityPage['attempts'][number];

const DECISIONS: Record<NonNullable<Judged['decision']>, string> = {
  'rendered-again': 'Rendered again',
  held: 'Waits for a decision',
  settled: 'Settled: this is how the scene looks',
  accepted: 'Accepted',
  retried: 'Rendered again',
  skipped: 'Skipped',
};

/** What became of a result, by whom and why: `Accepted by ada: sparks are wanted`. Empty: nothing was decided. */
export function decisionText({ decision, by, note }: Pick<Judged, 'decision' | 'by' | 'note'>): string {
  if (decision === null) return '';
  const who = by === null || decision === 'held' ? '' : ` by ${by}`;
  return `${DECISIONS[decision]}${who}${note === null ? '' : `: ${note}`}`;
}
