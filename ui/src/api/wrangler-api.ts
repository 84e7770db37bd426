import type {
  EngineVersion,
  Guarantee,
  Limit,
  ManageAnswer,
  Share,
} from '../../../src/shared/contracts/manage-api.ts';
import type { Overview } from '../../../src/shared/contracts/overview-api.ts';
import type { RetentionRule, Storage, StorageGroup } from '../../../src/shared/contracts/retention.ts';
import { request, withQuery } from './farm-api.ts';

const path = (...parts: readonly string[]): string => `/api/${parts.map(encodeURIComponent).join('/')}`;

/** What wranglers see and set of the whole farm. */
export const wranglerApi = {
  overview: () => request<Overview>('GET', '/api/overview'),
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
  storage: (by: StorageGroup) => request<Storage>('GET', withQuery('/api/storage', { by, limit: 200 })),
  retention: () => request<{ rules: RetentionRule[] }>('GET', '/api/retention'),
};
