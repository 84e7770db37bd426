import type {
  AssetPlan,
  AssetReply,
  Attempts,
  ControlBody,
  ControlManyBody,
  ControlManyReply,
  ControlReply,
  EngineForm,
  Engines,
  FramesPage,
  History,
  JobsPage,
  LogReply,
  Notes,
  PartLink,
  PartLinkRequest,
  PartsCompleteRequest,
  PartsReply,
  PartsVerifyReply,
  Preview,
  ResultsPage,
  Template,
  Worker,
} from '../../../src/shared/contracts/api.ts';
import type {
  Batch,
  BatchesPage,
  BatchSubmission,
  RowResultsPage,
} from '../../../src/shared/contracts/batch.ts';
import type { SceneReport } from '../../../src/shared/contracts/inspect-api.ts';
import type { FailureDetails, Failures } from '../../../src/shared/contracts/failure-api.ts';
import type { WorkerAttempts, WorkersHistory } from '../../../src/shared/contracts/worker-api.ts';
import type { JobDocument } from '../../../src/shared/contracts/job-document.ts';
import type {
  ManageAnswer,
  Why,
  WorkerDetails,
  WorkerEvents,
  WorkerVerb,
  WorkerVerbBody,
} from '../../../src/shared/contracts/manage-api.ts';
import type { FrameQualityPage, JobQuality, JobVerdicts } from '../../../src/shared/contracts/quality-api.ts';
import type {
  JobLevels,
  JobPace,
  JobTimeline,
  LevelKind,
  LogSearch,
} from '../../../src/shared/contracts/job-views.ts';
import type { JobDetails } from '../../../src/shared/contracts/job-details.ts';
import type { AssetManifest } from '../../../src/shared/contracts/manifest.ts';
import { ProblemError, problemFrom } from './problem.ts';

type Query = Record<string, string | number | undefined>;
export type ControlVerb =
  'pause' | 'resume' | 'cancel' | 'retry' | 'skip' | 'accept' | 'priority' | 'note' | 'delete' | 'restore';

export interface FailuresQuery {
  /** `1h`, `24h`, `7d` … */
  since?: string | undefined;
  worker?: string | undefined;
  job?: string | undefined;
  project?: string | undefined;
  owner?: string | undefined;
  engine?: string | undefined;
}

let onSignedOut: () => void = () => undefined;

/** What happens when the farm says that there is no session (any more). */
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

/** @throws ProblemError when the farm refuses; TypeError when it does not answer */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status === 401) onSignedOut();
  if (!response.ok) throw await problemFrom(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) params.set(key, String(value));
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

const job = (id: string): string => `/api/jobs/${encodeURIComponent(id)}`;
const template = (name: string): string => `/api/templates/${encodeURIComponent(name)}`;
const worker = (id: string): string => `/api/workers/${encodeURIComponent(id)}`;
const batch = (id: string): string => `/api/batches/${encodeURIComponent(id)}`;

export const farmApi = {
  openSession: (token: string) => request<undefined>('POST', '/api/session', { token }),
  closeSession: () => request<undefined>('DELETE', '/api/session'),
  /** Asks for something small that needs a session. */
  hasSession: async (): Promise<boolean> => {
    try {
      await request('GET', '/api/farm');
      return true;
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401) return false;
      throw error;
    }
  },
  jobs: (query: {
    state?: string;
    q?: string;
    query?: string;
    sort?: string;
    limit?: number;
    cursor?: string;
  }) => request<JobsPage>('GET', withQuery('/api/jobs', query)),
  job: (id: string) => request<JobDetails>('GET', job(id)),
  frames: (
    id: string,
    query: { step?: string; state?: string; verdict?: string; from?: number; limit?: number },
  ) => request<FramesPage>('GET', withQuery(`${job(id)}/frames`, query)),
  results: (id: string, query: { step?: string; cursor?: string }) =>
    request<ResultsPage>('GET', withQuery(`${job(id)}/results`, query)),
  attempts: (id: string) => request<Attempts>('GET', withQuery(`${job(id)}/logs`, { limit: 200 })),
  log: (id: string, attempt: string, at: { offset?: number } | { before?: number } | { tail?: 'true' }) =>
    request<LogReply>('GET', withQuery(`${job(id)}/logs`, { attempt, ...at })),
  searchLog: (id: string, attempt: string, query: { text: string; case?: 'true'; regex?: 'true' }) =>
    request<LogSearch>('GET', withQuery(`${job(id)}/log-search`, { attempt, ...query })),
  logFileUrl: (id: string, attempt: string) => withQuery(`${job(id)}/log-file`, { attempt }),
  history: (id: string, cursor?: string) =>
    request<History>('GET', withQuery(`${job(id)}/history`, { cursor })),
  notes: (id: string, cursor?: string) => request<Notes>('GET', withQuery(`${job(id)}/notes`, { cursor })),
  /** What keeps the frames of a job from running. */
  why: (id: string) => request<Why>('GET', `${job(id)}/why`),
  control: (
    id: string,
    verb: ControlVerb,
    body: Pick<ControlBody, 'frames' | 'step' | 'priority' | 'note' | 'dryRun' | 'trustScripts'> = {},
  ) => request<ControlReply>('POST', `${job(id)}/${verb}`, body),
  /** One verb for several jobs, with one sentence for all. */
  controlMany: (body: ControlManyBody) => request<ControlManyReply>('POST', '/api/jobs/control', body),
  /** A small picture of some finished frame; 204 while there is none. */
  jobPictureUrl: (id: string) => `${job(id)}/thumbnail`,
  quality: (id: string) => request<JobQuality>('GET', `${job(id)}/quality`),
  verdicts: (id: string) => request<JobVerdicts>('GET', `${job(id)}/verdicts`),
  frameQuality: (id: string, step: string, frame: number) =>
    request<FrameQualityPage>('GET', `${job(id)}/frames/${encodeURIComponent(step)}/${frame}/quality`),
  levels: (id: string, of: LevelKind) => request<JobLevels>('GET', withQuery(`${job(id)}/levels`, { of })),
  timeline: (id: string, query: { from?: string; to?: string }) =>
    request<JobTimeline>('GET', withQuery(`${job(id)}/timeline`, query)),
  pace: (id: string) => request<JobPace>('GET', `${job(id)}/pace`),
  /** Asking is what has it made. */
  proxy: (id: string, step: string) =>
    request<Preview>('GET', `${job(id)}/steps/${encodeURIComponent(step)}/proxy`),
  /** Addresses of answers that a browser saves as files. */
  zipUrl: (id: string) => `${job(id)}/zip`,
  manifestUrl: (id: string, format: 'json' | 'csv') => withQuery(`${job(id)}/manifest`, { format }),
  /** What was asked for. */
  document: (id: string) => request<JobDocument>('GET', `${job(id)}/document`),
  /** Which of these objects the farm lacks, and where they go. */
  planAssets: (files: { sha256: string; size: number }[]) =>
    request<AssetPlan>('POST', '/api/assets/plan', { files }),
  registerAsset: (manifest: AssetManifest) => request<AssetReply>('POST', '/api/assets', manifest),
  beginParts: (file: { sha256: string; size: number }) =>
    request<PartsReply>('POST', '/api/assets/parts', file),
  partLink: (part: PartLinkRequest) => request<PartLink>('POST', '/api/assets/parts/link', part),
  completeParts: (parts: PartsCompleteRequest) =>
    request<unknown>('POST', '/api/assets/parts/complete', parts),
  verifyParts: (file: { sha256: string; size: number }) =>
    request<PartsVerifyReply>('POST', '/api/assets/parts/verify', file),
  inspect: (asset: string, scene: string) => request<SceneReport>('POST', '/api/inspect', { asset, scene }),
  engine: (id: string) => request<EngineForm>('GET', `/api/engines/${encodeURIComponent(id)}`),
  submit: (document: JobDocument) => request<{ id: string }>('POST', '/api/jobs', document),
  templates: () => request<{ templates: Template[] }>('GET', '/api/templates'),
  template: (name: string, version?: number) =>
    request<Template>('GET', withQuery(template(name), { version })),
  templatePreviewUrl: (name: string, version: number) => withQuery(`${template(name)}/preview`, { version }),
  batches: (cursor?: string) => request<BatchesPage>('GET', withQuery('/api/batches', { cursor })),
  batch: (id: string) => request<Batch>('GET', batch(id)),
  batchResults: (id: string, query: { limit: number; cursor?: string }) =>
    request<RowResultsPage>('GET', withQuery(`${batch(id)}/results`, query)),
  cancelBatch: (id: string) => request<BatchSubmission>('POST', `${batch(id)}/cancel`),
  batchResultsUrl: (id: string) => `${batch(id)}/results.csv`,
  engines: () => request<Engines>('GET', '/api/engines'),
  workers: () => request<{ workers: Worker[] }>('GET', '/api/workers'),
  failures: (query: FailuresQuery) => request<Failures>('GET', withQuery('/api/failures', { ...query })),
  failure: (id: string, query: FailuresQuery) =>
    request<FailureDetails>('GET', withQuery(`/api/failures/${encodeURIComponent(id)}`, { ...query })),
  worker: (id: string) => request<WorkerDetails>('GET', worker(id)),
  workerEvents: (id: string, cursor?: string) =>
    request<WorkerEvents>('GET', withQuery(`${worker(id)}/events`, { limit: 20, cursor })),
  workerAttempts: (id: string, query: { limit: number; cursor?: string | undefined }) =>
    request<WorkerAttempts>('GET', withQuery(`${worker(id)}/attempts`, query)),
  /** Gauges of the last ten minutes: of all workers, or of one. */
  workerHistory: (id?: string) =>
    request<WorkersHistory>('GET', withQuery('/api/worker-history', { worker: id })),
  controlWorkers: (
    ids: readonly string[],
    verb: WorkerVerb,
    body: Pick<WorkerVerbBody, 'reason' | 'timetable' | 'dryRun'> = {},
  ) => request<ManageAnswer>('POST', '/api/workers/control', { ids, verb, ...body }),
  /** With its generation (0: unknown) a picture may be kept by the browser until there is a newer one. */
  imageUrl: (id: string, step: string, frame: number, kind: 'image' | 'thumbnail', generation: number) =>
    withQuery(`${job(id)}/frames/${encodeURIComponent(step)}/${frame}/${kind}`, {
      g: generation === 0 ? undefined : generation,
    }),
};
