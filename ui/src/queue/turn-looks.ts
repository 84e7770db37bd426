import type { Turn } from '../../../src/shared/contracts/messages.ts';
import type { StateLook } from '../common/states.ts';

const look = (word: string, icon: string, colour: string): StateLook => ({
  word,
  icon,
  colour: `var(--state-${colour})`,
});

/** How the reason of a step's place is shown. */
export const TURN_LOOKS: Record<Turn, StateLook> = {
  guarantee: look('Guaranteed', 'i-lucide-shield-check', 'done'),
  preview: look('Preview', 'i-lucide-eye', 'running'),
  share: look('Its turn', 'i-lucide-arrow-right', 'queued'),
  limit: look('At a limit', 'i-lucide-octagon-pause', 'warned'),
  'no-worker': look('No worker fits', 'i-lucide-server-off', 'failed'),
  sequential: look('One by one', 'i-lucide-list-ordered', 'held'),
};

/** These get nothing, whatever becomes free. */
export const isKept = (turn: Turn): boolean =>
  turn === 'limit' || turn === 'no-worker' || turn === 'sequential';
