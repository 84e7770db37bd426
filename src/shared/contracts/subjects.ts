import { assertId } from '../domain/ids.ts';

/** Every NATS subject is built and parsed here. Each part that varies is an id (domain/ids.ts), checked before it is joined. */
export const SUBJECTS = {
  jobs: 'jobs',
  jobsSubmit: 'jobs.submit',
  jobsBatch: 'jobs.batch',
  jobsWhy: 'jobs.why',
  jobsNext: 'jobs.next',
  manage: 'manage',
  jobsControlAll: 'jobs.control.*',
  tasksAll: 'tasks.*.*.*.*',
  statusTaskAll: 'status.task.*.*.*',
  statusJobAll: 'status.job.*',
  statusWorkerAll: 'status.worker.*',
  statusProgressAll: 'status.progress.*',
  logsAll: 'logs.*.*',
  deadAll: 'dead.>',
  askAll: 'ask.*.*',
  enginesAll: 'engines.*',
  maxDeliveries: '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>',
} as const;

/** What a worker may ask a coordinator. */
const ASK_TOPICS = ['resume', 'inputs', 'roots', 'preview', 'preview-done'] as const;
export type AskTopic = (typeof ASK_TOPICS)[number];

export const jobControlSubject = (jobId: string): string => `jobs.control.${assertId(jobId, 'The job id')}`;

export const taskSubject = (parts: { engine: string; lane: string; jobId: string; taskId: string }): string =>
  `tasks.${assertId(parts.engine, 'The engine')}.${assertId(parts.lane, 'The lane')}.${assertId(parts.jobId, 'The job id')}.${assertId(parts.taskId, 'The task id')}`;

export const laneFilter = (lane: string): string => `tasks.*.${assertId(lane, 'The lane')}.>`;

/** Everything of one job that still waits in TASKS. */
export const jobTasksFilter = (jobId: string): string => `tasks.*.*.${assertId(jobId, 'The job id')}.*`;

export const taskStatusSubject = (parts: { workerId: string; jobId: string; taskId: string }): string =>
  `status.task.${assertId(parts.workerId, 'The worker id')}.${assertId(parts.jobId, 'The job id')}.${assertId(parts.taskId, 'The task id')}`;

export const jobStatusSubject = (jobId: string): string => `status.job.${assertId(jobId, 'The job id')}`;

export const workerStatusSubject = (workerId: string): string =>
  `status.worker.${assertId(workerId, 'The worker id')}`;

export const progressSubject = (workerId: string): string =>
  `status.progress.${assertId(workerId, 'The worker id')}`;

export const logSubject = (jobId: string, taskId: string): string =>
  `logs.${assertId(jobId, 'The job id')}.${assertId(taskId, 'The task id')}`;

export const workerControlSubject = (workerId: string): string =>
  `control.worker.${assertId(workerId, 'The worker id')}`;

export const jobStopSubject = (jobId: string): string => `control.job.${assertId(jobId, 'The job id')}`;

/** What the farm's store says of one engine. */
export const engineSubject = (id: string): string => `engines.${assertId(id, 'The engine')}`;

export const jobStopAll = 'control.job.*';

export const askSubject = (workerId: string, topic: AskTopic): string =>
  `ask.${assertId(workerId, 'The worker id')}.${topic}`;

/** Where something goes that could not be understood or kept failing: `what` is `jobs`, `control`, `status` or `tasks`. */
export const deadSubject = (what: 'jobs' | 'control' | 'status' | 'tasks', reason: string): string =>
  `dead.${what}.${assertId(reason, 'The reason')}`;

export interface TaskStatusParts {
  workerId: string;
  jobId: string;
  taskId: string;
}

/** @returns the parts of `status.task.<worker>.<job>.<task>`, or undefined for any other subject. */
export function parseTaskStatusSubject(subject: string): TaskStatusParts | undefined {
  const [a, b, workerId, jobId, taskId, ...rest] = subject.split('.');
  if (a !== 'status' || b !== 'task' || !workerId || !jobId || !taskId || rest.length > 0) return undefined;
  return { workerId, jobId, taskId };
}

/** The last token of subjects that end in one id: `status.job.<id>`, `jobs.control.<id>`, `control.job.<id>` … */
export function lastToken(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}

/** `ask.<worker>.<topic>`. */
export function parseAskSubject(subject: string): { workerId: string; topic: AskTopic } | undefined {
  const [ask, workerId, word, ...rest] = subject.split('.');
  const topic = ASK_TOPICS.find((known) => known === word);
  if (ask !== 'ask' || !workerId || rest.length > 0 || topic === undefined) return undefined;
  return { workerId, topic };
}

/** `tasks.<engine>.<lane>.<job>.<task>`. */
export function parseTaskSubject(
  subject: string,
): { engine: string; lane: string; jobId: string; taskId: string } | undefined {
  const [tasks, engine, lane, jobId, taskId, ...rest] = subject.split('.');
  if (tasks !== 'tasks' || !engine || !lane || !jobId || !taskId || rest.length > 0) return undefined;
  return { engine, lane, jobId, taskId };
}
