import type { JobsPage } from '../../../src/shared/contracts/api.ts';
import type {
  EngineVersion,
  Guarantee,
  Limit,
  ManageAnswer,
  Share,
} from '../../../src/shared/contracts/manage-api.ts';
import type { Overview } from '../../../src/shared/contracts/overview-api.ts';
import type { Queue } from '../../../src/shared/contracts/queue-api.ts';
import type { RetentionRule, Storage, StorageGroup } from '../../../src/shared/contracts/retention.ts';
import type { Failures } from '../../../src/shared/contracts/failure-api.ts';
import type { Target } from '../../../src/shared/contracts/delivery-api.ts';
import type {
  CreatedWebhook,
  DeliveriesPage,
  Delivery,
  Webhook,
  WebhookRequest,
  WebhookUpdate,
} from '../../../src/shared/contracts/webhook-api.ts';
import { request, withQuery } from './farm-api.ts';

const path = (...parts: readonly string[]): string => `/api/${parts.map(encodeURIComponent).join('/')}`;

/** What wranglers see and set of the whole farm. */
export const wranglerApi = {
  overview: () => request<Overview>('GET', '/api/overview'),
  failures: () => request<Failures>('GET', '/api/failures?since=24h&limit=5'),
  queue: () => request<Queue>('GET', '/api/queue'),
  limits: () => request<{ limits: Limit[] }>('GET', '/api/limits'),
  shares: () => request<{ shares: Share[] }>('GET', '/api/shares'),
  guarantees: () => request<{ guarantees: Guarantee[] }>('GET', '/api/guarantees'),
  engineVersions: () => request<{ engineVersions: EngineVersion[] }>('GET', '/api/engine-versions'),
  /** Puts one setting at its address, or takes it away (`body` null). */
  set: (
    address: readonly string[],
    body: Record<string, unknown> | null,
    options: { project?: string; dryRun?: boolean } = {},
  ) =>
    request<ManageAnswer>(
      body === null ? 'DELETE' : 'PUT',
      withQuery(path(...address), { project: options.project }),
      { ...body, ...(options.dryRun === true ? { dryRun: true } : {}) },
    ),
  webhooks: () => request<{ webhooks: Webhook[] }>('GET', '/api/webhooks'),
  createWebhook: (body: WebhookRequest) => request<CreatedWebhook>('POST', '/api/webhooks', body),
  updateWebhook: (id: string, body: WebhookUpdate) => request<Webhook>('PATCH', path('webhooks', id), body),
  removeWebhook: (id: string) => request<undefined>('DELETE', path('webhooks', id)),
  rotateWebhook: (id: string) => request<CreatedWebhook>('POST', path('webhooks', id, 'rotate'), {}),
  testWebhook: (id: string) => request<Delivery>('POST', path('webhooks', id, 'test')),
  webhookDeliveries: (id: string, query: { state?: string; cursor?: string }) =>
    request<DeliveriesPage>('GET', withQuery(path('webhooks', id, 'deliveries'), { ...query, limit: 30 })),
  redeliver: (id: string, delivery: string) =>
    request<Delivery>('POST', path('webhooks', id, 'deliveries', delivery, 'redeliver')),
  targets: () => request<{ targets: Target[] }>('GET', '/api/targets'),
  binnedJobs: (cursor?: string) =>
    request<JobsPage>('GET', withQuery('/api/jobs', { bin: 'true', limit: 50, cursor })),
  storage: (by: StorageGroup) => request<Storage>('GET', withQuery('/api/storage', { by, limit: 200 })),
  retention: () => request<{ rules: RetentionRule[] }>('GET', '/api/retention'),
};
