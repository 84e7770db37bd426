import type { Delivery, Webhook, WebhookScope } from '../../shared/contracts/webhook-api.ts';
import { EVENT_TYPES } from '../../shared/contracts/events.ts';

export const WEBHOOK_HEADINGS = ['ID', 'FOR', 'STATE', 'WAITING', 'FAILED', 'EVENTS', 'URL'];

export const webhookRow = (webhook: Webhook): string[] => [
  webhook.id,
  scopeText(webhook.scope),
  webhook.paused ? 'paused' : webhook.failing === null ? 'ok' : 'failing',
  String(webhook.pending),
  String(webhook.failed),
  webhook.events.length === EVENT_TYPES.length ? 'all' : webhook.events.join(','),
  webhook.url,
];

function scopeText(scope: WebhookScope): string {
  if (scope.kind === 'project') return `project ${scope.project}`;
  if (scope.kind === 'job') return `job ${scope.job}`;
  return scope.kind === 'named' ? 'jobs that name it' : 'the farm';
}

export const DELIVERY_HEADINGS = ['DELIVERY', 'EVENT', 'JOB', 'STATE', 'MADE', 'TRIES', 'LAST ANSWER'];

export const deliveryRow = (delivery: Delivery): string[] => [
  delivery.id,
  delivery.type,
  delivery.job ?? '',
  delivery.state,
  delivery.createdAt.slice(0, 19).replace('T', ' '),
  String(delivery.tries.length),
  answerText(delivery),
];

function answerText({ tries, nextAt }: Delivery): string {
  const last = tries.at(-1);
  if (last === undefined) return '';
  if (last.error === null) return String(last.status);
  return nextAt === null ? last.error : `${last.error} Next try at ${nextAt.slice(11, 19)}.`;
}
