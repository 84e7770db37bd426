import { PAGED, type RouteEntry } from './http-schemas.ts';

/** Who is told what happens, and the stream of it. */
export const WEBHOOK_ROUTES: readonly RouteEntry[] = [
  { method: 'get', path: '/api/webhooks', summary: 'webhooks, oldest first', replies: { 200: 'Webhooks' } },
  {
    method: 'post',
    path: '/api/webhooks',
    summary: 'tell an address what happens; the answer has its secret, this once',
    body: 'WebhookRequest',
    replies: { 201: 'CreatedWebhook' },
  },
  { method: 'get', path: '/api/webhooks/{id}', summary: 'one webhook', replies: { 200: 'Webhook' } },
  {
    method: 'patch',
    path: '/api/webhooks/{id}',
    summary: 'change its address or its events, pause it, or let it go on',
    body: 'WebhookUpdate',
    replies: { 200: 'Webhook' },
  },
  {
    method: 'delete',
    path: '/api/webhooks/{id}',
    summary: 'tell it nothing more, and forget its log',
    replies: { 204: null },
  },
  {
    method: 'post',
    path: '/api/webhooks/{id}/rotate',
    summary: 'a new secret; for a while bodies are signed with the old one, too',
    body: 'RotateRequest',
    replies: { 200: 'CreatedWebhook' },
  },
  {
    method: 'post',
    path: '/api/webhooks/{id}/test',
    summary: 'send it a `ping`',
    replies: { 202: 'WebhookDelivery' },
  },
  {
    method: 'get',
    path: '/api/webhooks/{id}/deliveries',
    summary: 'what it was told in the last seven days and what it answered, newest first',
    query: { state: 'one or more of `pending`, `delivered`, `failed`, joined by commas', ...PAGED },
    replies: { 200: 'WebhookDeliveries' },
  },
  {
    method: 'post',
    path: '/api/webhooks/{id}/deliveries/{delivery}/redeliver',
    summary: 'send one again, with the same `webhook-id`',
    replies: { 202: 'WebhookDelivery' },
  },
  {
    method: 'get',
    path: '/api/events',
    summary:
      'what happens, as server-sent events; `Last-Event-ID` goes on where a client was, `event: gap` says what is gone',
    query: {
      since: 'a sequence, an id or a time, after which it begins; default: now',
      types: 'one or more types, joined by commas; default: all',
      job: 'only of this job',
    },
    contentType: 'text/event-stream',
    replies: { 200: 'StreamEvent' },
  },
];
