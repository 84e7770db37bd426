import { EVENT_TYPES } from '../../../src/shared/contracts/events.ts';
import type {
  Delivery,
  DeliveryState,
  Webhook,
  WebhookScope,
} from '../../../src/shared/contracts/webhook-api.ts';
import type { StateLook } from '../common/states.ts';
import { formatAge } from '../common/units.ts';

const look = (word: string, icon: string, colour: string): StateLook => ({
  word,
  icon,
  colour: `var(--state-${colour})`,
});

export function webhookLook({ paused, failing, lastDeliveredAt }: Webhook): StateLook {
  if (paused) return look('Paused', 'i-lucide-pause', 'warned');
  if (failing) return look('Failing', 'i-lucide-triangle-alert', 'failed');
  if (lastDeliveredAt === null) return look('Nothing sent yet', 'i-lucide-circle', 'ready');
  return look('Delivers', 'i-lucide-check', 'done');
}

export const DELIVERY_LOOKS: Record<DeliveryState, StateLook> = {
  pending: look('Waiting', 'i-lucide-clock', 'queued'),
  delivered: look('Delivered', 'i-lucide-check', 'done'),
  failed: look('Given up', 'i-lucide-triangle-alert', 'failed'),
};

export function scopeText(scope: WebhookScope): string {
  if (scope.kind === 'project') return `jobs of project ${scope.project}`;
  if (scope.kind === 'job') return `job ${scope.job}`;
  return scope.kind === 'named' ? 'jobs that name it' : 'every job';
}

export const eventsText = (events: Webhook['events']): string =>
  events.length === EVENT_TYPES.length ? 'every event' : events.join(', ');

const ended = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
const count = (n: number): string => `${n.toLocaleString('en-US')} ${n === 1 ? 'delivery' : 'deliveries'}`;

/** How its deliveries stand, in one sentence. */
export function webhookSentence(
  { paused, failing, lastDeliveredAt, pending, failed }: Webhook,
  nowMs: number,
): string {
  const parts = [
    ...(failing
      ? [`Takes nothing for ${formatAge(failing.since, nowMs).replace(' ago', '')}: ${ended(failing.error)}`]
      : []),
    ...(lastDeliveredAt === null ? [] : [`Last delivered ${formatAge(lastDeliveredAt, nowMs)}.`]),
    ...(pending > 0 ? [`${count(pending)} ${paused ? 'kept until it goes on' : 'to be sent'}.`] : []),
    ...(failed > 0 ? [`${failed.toLocaleString('en-US')} given up in the last seven days.`] : []),
  ];
  return parts.join(' ');
}

/** What came of a delivery so far. */
export function answerText({ state, tries, nextAt }: Delivery, nowMs: number): string {
  const last = tries.at(-1);
  if (!last) return state === 'pending' ? 'It is sent at once.' : '';
  if (last.error === null) return `Answered ${last.status ?? ''} within ${last.seconds} s.`;
  if (nextAt === null) return ended(last.error);
  const seconds = Math.round((Date.parse(nextAt) - nowMs) / 1_000);
  const when = seconds < 1 ? 'now' : seconds < 90 ? `in ${seconds} s` : `in ${Math.round(seconds / 60)} min`;
  return `${ended(last.error)} Next try ${when}.`;
}
