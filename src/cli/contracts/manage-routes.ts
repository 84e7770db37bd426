import { PAGED, type HttpSchemaName, type RouteEntry } from './http-schemas.ts';

const workerVerb = (verb: string, summary: string): RouteEntry => ({
  method: 'post',
  path: `/api/workers/{id}/${verb}`,
  summary,
  body: 'WorkerRequest',
  replies: { 200: 'ManageReply' },
});

/** A setting that is put and deleted at one address. */
const setting = (
  path: string,
  body: HttpSchemaName,
  put: string,
  remove: string,
  query?: RouteEntry['query'],
): RouteEntry[] => [
  { method: 'put', path, summary: put, body, replies: { 200: 'ManageReply' }, ...(query ? { query } : {}) },
  {
    method: 'delete',
    path,
    summary: remove,
    body: 'RemoveRequest',
    replies: { 200: 'ManageReply' },
    ...(query ? { query } : {}),
  },
];

const FAILED = {
  since: 'how far back: `1h`, `24h`, `7d`',
  project: 'only its jobs',
  owner: 'only their jobs',
  engine: 'only its steps',
  worker: 'only on this one',
  job: 'only of this one',
};

/** What wranglers see and set. */
export const MANAGE_ROUTES: readonly RouteEntry[] = [
  {
    method: 'get',
    path: '/api/jobs/{id}/why',
    summary: 'what keeps its frames from running, in words and figures',
    replies: { 200: 'Why' },
  },
  {
    method: 'get',
    path: '/api/overview',
    summary: 'the farm in sums, its last pictures, and frames that look stuck',
    replies: { 200: 'Overview' },
  },
  {
    method: 'get',
    path: '/api/queue',
    summary: 'what runs next and why, shares, guarantees, groups of workers and their lanes',
    query: { limit: 'how many steps at most, up to 500; default: 100' },
    replies: { 200: 'Queue' },
  },
  { method: 'get', path: '/api/workers', summary: 'workers', replies: { 200: 'Workers' } },
  {
    method: 'get',
    path: '/api/worker-history',
    summary: 'gauges of the last ten minutes, as letters',
    query: { worker: 'only this one' },
    replies: { 200: 'WorkersHistory' },
  },
  {
    method: 'get',
    path: '/api/workers/{id}',
    summary: 'one worker, with its pause and timetable',
    replies: { 200: 'Worker' },
  },
  {
    method: 'get',
    path: '/api/workers/{id}/events',
    summary: 'who did what with it, newest first',
    query: PAGED,
    replies: { 200: 'WorkerEvents' },
  },
  {
    method: 'get',
    path: '/api/workers/{id}/attempts',
    summary: 'what it was given, newest first',
    query: PAGED,
    replies: { 200: 'WorkerAttempts' },
  },
  {
    method: 'get',
    path: '/api/failures',
    summary: 'what failed, by reason: whose fault it looks like, and what helps',
    query: { ...FAILED, limit: 'how many reasons' },
    replies: { 200: 'Failures' },
  },
  {
    method: 'get',
    path: '/api/failures/{id}',
    summary: 'one reason, by worker and job, with the frames that are failed for it',
    query: FAILED,
    replies: { 200: 'FailureDetails' },
  },
  workerVerb('pause', 'it takes no further tasks, and finishes those in hand'),
  workerVerb('resume', 'ends a pause, a give-back or a quarantine'),
  workerVerb('drain', 'it finishes what it has and ends its process'),
  workerVerb('give-back', 'its owner has it back within ten seconds; no attempt is used up'),
  workerVerb('timetable', 'when it may work, by its own clock'),
  {
    method: 'post',
    path: '/api/workers/control',
    summary: 'one verb for several workers',
    body: 'WorkersRequest',
    replies: { 200: 'ManageReply' },
  },
  {
    method: 'get',
    path: '/api/limits',
    summary: 'frames that may run at once, with how many do',
    replies: { 200: 'Limits' },
  },
  ...setting(
    '/api/limits/{kind}/{name}',
    'LimitRequest',
    'limit a `project`, an `owner`, an `engine` or a `licence` pool',
    'take a limit away',
  ),
  {
    method: 'get',
    path: '/api/shares',
    summary: 'weights within a priority level',
    replies: { 200: 'Shares' },
  },
  ...setting(
    '/api/shares/{kind}/{name}',
    'ShareRequest',
    'set the weight of a `project` or an `owner`',
    'back to a weight of 1',
  ),
  {
    method: 'get',
    path: '/api/guarantees',
    summary: 'slots that projects get first',
    replies: { 200: 'Guarantees' },
  },
  ...setting(
    '/api/guarantees/{project}/{pool}',
    'GuaranteeRequest',
    'guarantee a project slots of the workers with a tag, or of all (`*`)',
    'take a guarantee away',
  ),
  {
    method: 'get',
    path: '/api/roots',
    summary: 'shared storage that workers mount, with how many have it',
    replies: { 200: 'Roots' },
  },
  {
    method: 'put',
    path: '/api/roots/{name}',
    summary: 'make shared storage known; `root:<name>/<path>` is a file on it',
    body: 'RootRequest',
    replies: { 200: 'ManageReply' },
  },
  {
    method: 'delete',
    path: '/api/roots/{name}',
    summary: 'forget shared storage; refused while jobs need it, unless forced',
    body: 'RootRemoveRequest',
    replies: { 200: 'ManageReply' },
  },
  {
    method: 'get',
    path: '/api/engine-versions',
    summary: 'versions for jobs that do not say',
    replies: { 200: 'EngineVersions' },
  },
  ...setting(
    '/api/engine-versions/{engine}',
    'EngineVersionRequest',
    'set the version range for jobs that do not say',
    'let them take any version',
    { project: 'only of this project; default: of the whole farm' },
  ),
  {
    method: 'get',
    path: '/api/retention',
    summary: 'for how long jobs, the bin, and what nothing points to are kept',
    replies: { 200: 'Retention' },
  },
  ...setting(
    '/api/retention/{what}',
    'RetentionRequest',
    'keep `completed`, `failed` or `cancelled` jobs, the `bin`, `attempts`, `assets` or `templates` for so many days, or `forever`',
    'as if nobody had said',
    { project: 'only of this project; default: of the whole farm' },
  ),
  {
    method: 'get',
    path: '/api/storage',
    summary:
      "what ended jobs' results take, the most first, and what the bucket held when it was walked last",
    query: { by: '`project` (default), `owner`, `job` or `template`', limit: 'how many groups' },
    replies: { 200: 'Storage' },
  },
];
