import type { MESSAGE_SCHEMAS } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import type { Role } from '../../shared/messaging/permissions.ts';

export type MessageName = keyof typeof MESSAGE_SCHEMAS;

export interface SubjectEntry {
  /** With the varying parts in braces: `status.job.{jobId}`. */
  subject: string;
  /** As NATS knows it, from `SUBJECTS` or of the same form. */
  pattern: string;
  message: MessageName | null;
  /** Request/reply: what comes back. */
  reply?: MessageName;
  publishers: readonly Role[];
  consumers: readonly Role[];
  text: string;
}

/** Every subject with who speaks and who listens. The generator holds the publishers against the table of permissions. */
export const SUBJECT_CATALOGUE: readonly SubjectEntry[] = [
  {
    subject: 'jobs',
    pattern: SUBJECTS.jobs,
    message: 'JobDocument',
    publishers: ['submitter', 'gateway', 'operator'],
    consumers: ['coordinator'],
    text: 'A job to render. The answer comes on `status.job.{jobId}`, or as a dead letter.',
  },
  {
    subject: 'jobs.submit',
    pattern: SUBJECTS.jobsSubmit,
    message: 'JobDocument',
    reply: 'SubmitReply',
    publishers: ['submitter', 'gateway', 'operator'],
    consumers: ['coordinator'],
    text: 'The same as a request: the reply comes after the ledger has the job.',
  },
  {
    subject: 'jobs.batch',
    pattern: SUBJECTS.jobsBatch,
    message: 'BatchRequest',
    reply: 'BatchReply',
    publishers: ['submitter', 'gateway', 'operator'],
    consumers: ['coordinator'],
    text: 'Many rows of data for one template, of which each becomes a job; or the end of such a batch.',
  },
  {
    subject: 'jobs.why',
    pattern: SUBJECTS.jobsWhy,
    message: 'WhyRequest',
    reply: 'WhyReply',
    publishers: ['gateway', 'operator'],
    consumers: ['coordinator'],
    text: 'Why the frames of a job wait, in words and figures.',
  },
  {
    subject: 'jobs.next',
    pattern: SUBJECTS.jobsNext,
    message: 'NextRequest',
    reply: 'NextReply',
    publishers: ['gateway', 'operator'],
    consumers: ['coordinator'],
    text: 'What runs next and why. Every coordinator hears it; the one that feeds the farm answers.',
  },
  {
    subject: 'manage',
    pattern: SUBJECTS.manage,
    message: 'ManageRequest',
    reply: 'ManageReply',
    publishers: ['gateway', 'operator'],
    consumers: ['coordinator'],
    text: 'What wranglers set for workers and for the farm: pauses, limits, shares. The reply comes after the commit.',
  },
  {
    subject: 'jobs.control.{jobId}',
    pattern: SUBJECTS.jobsControlAll,
    message: 'JobControl',
    publishers: ['submitter', 'gateway', 'operator'],
    consumers: ['coordinator'],
    text: 'Pause, resume, cancel, retry, skip, priority and more. The outcome comes on `status.job.{jobId}` with the same `requestId`.',
  },
  {
    subject: 'tasks.{engine}.{lane}.{jobId}.{taskId}',
    pattern: SUBJECTS.tasksAll,
    message: 'TaskMessage',
    publishers: ['coordinator'],
    consumers: ['worker'],
    text: 'A chunk of frames for one lane. Message id `{taskId}:{feed}`.',
  },
  {
    subject: 'status.task.{workerId}.{jobId}.{taskId}',
    pattern: SUBJECTS.statusTaskAll,
    message: 'TaskStatus',
    publishers: ['worker'],
    consumers: ['coordinator'],
    text: 'What becomes of an attempt: started, frames, completed, failed, released, rejected.',
  },
  {
    subject: 'status.job.{jobId}',
    pattern: SUBJECTS.statusJobAll,
    message: 'JobStatus',
    publishers: ['coordinator'],
    consumers: ['gateway', 'submitter'],
    text: 'What the ledger now says of a job.',
  },
  {
    subject: 'status.worker.{workerId}',
    pattern: SUBJECTS.statusWorkerAll,
    message: 'Heartbeat',
    publishers: ['worker'],
    consumers: ['coordinator', 'gateway'],
    text: 'Every 2 seconds, and at once when something changed.',
  },
  {
    subject: 'status.progress.{workerId}',
    pattern: SUBJECTS.statusProgressAll,
    message: 'Progress',
    publishers: ['worker'],
    consumers: ['gateway'],
    text: 'How far a frame is, for eyes only.',
  },
  {
    subject: 'logs.{jobId}.{taskId}',
    pattern: SUBJECTS.logsAll,
    message: 'LogPiece',
    publishers: ['worker'],
    consumers: ['gateway'],
    text: 'What an engine prints. The whole log goes to S3 when the attempt ends.',
  },
  {
    subject: 'control.worker.{workerId}',
    pattern: 'control.worker.*',
    message: 'WorkerControl',
    publishers: ['coordinator'],
    consumers: ['worker'],
    text: 'Which lanes to pull from; drain; frames to leave out.',
  },
  {
    subject: 'control.job.{jobId}',
    pattern: 'control.job.*',
    message: 'JobStop',
    publishers: ['coordinator'],
    consumers: ['worker'],
    text: 'End the engines of a job now, or after the frame under way.',
  },
  {
    subject: 'engines.{id}',
    pattern: SUBJECTS.enginesAll,
    message: 'EngineNotice',
    publishers: ['coordinator'],
    consumers: ['coordinator', 'gateway', 'worker'],
    text: 'An engine’s definition in the farm’s store, or that it was removed. The stream keeps the last of each.',
  },
  {
    subject: 'ask.{workerId}.resume',
    pattern: SUBJECTS.askAll,
    message: 'ResumeRequest',
    reply: 'ResumeReply',
    publishers: ['worker'],
    consumers: ['coordinator'],
    text: 'After a redelivery or a cut connection: which frames are still wanted?',
  },
  {
    subject: 'ask.{workerId}.inputs',
    pattern: SUBJECTS.askAll,
    message: 'InputsRequest',
    reply: 'InputsReply',
    publishers: ['worker'],
    consumers: ['coordinator'],
    text: 'The accepted frames of another step, a page at a time.',
  },
  {
    subject: 'ask.{workerId}.roots',
    pattern: SUBJECTS.askAll,
    message: 'RootsRequest',
    reply: 'RootsReply',
    publishers: ['worker'],
    consumers: ['coordinator'],
    text: 'The shared storage that the farm knows, and where it lies on each kind of machine.',
  },
  {
    subject: 'ask.{workerId}.preview',
    pattern: SUBJECTS.askAll,
    message: 'PreviewRequest',
    reply: 'PreviewReply',
    publishers: ['worker'],
    consumers: ['coordinator'],
    text: 'What a contact sheet or proxy video that was ordered is made of.',
  },
  {
    subject: 'ask.{workerId}.preview-done',
    pattern: SUBJECTS.askAll,
    message: 'PreviewDoneRequest',
    reply: 'PreviewDoneReply',
    publishers: ['worker'],
    consumers: ['coordinator'],
    text: 'It is stored, or could not be made.',
  },
  {
    subject: 'dead.{what}.{reason}',
    pattern: SUBJECTS.deadAll,
    message: 'DeadLetter',
    publishers: ['coordinator'],
    consumers: ['operator'],
    text: 'Whatever could not be understood or kept failing, with the reason.',
  },
  {
    subject: '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.TASKS.{lane}',
    pattern: SUBJECTS.maxDeliveries,
    message: null,
    publishers: [],
    consumers: ['coordinator'],
    text: 'The NATS server gave a task up; the coordinator records the frames as failed.',
  },
];
