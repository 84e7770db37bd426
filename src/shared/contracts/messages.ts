import { batchReplySchema, batchRequestSchema } from './batch.ts';
import { jobDocumentSchema } from './job-document.ts';
import { engineNoticeSchema } from './messages/engine-messages.ts';
import {
  deadLetterSchema,
  jobControlSchema,
  jobStatusSchema,
  submitReplySchema,
} from './messages/job-messages.ts';
import { manageReplySchema, manageRequestSchema } from './messages/manage-messages.ts';
import { taskMessageSchema } from './messages/task-messages.ts';
import { taskStatusSchema } from './messages/task-status.ts';
import {
  heartbeatSchema,
  jobStopSchema,
  logPieceSchema,
  progressSchema,
  workerControlSchema,
} from './messages/worker-messages.ts';
import {
  inputsReplySchema,
  inputsRequestSchema,
  resumeReplySchema,
  resumeRequestSchema,
  rootsReplySchema,
  rootsRequestSchema,
} from './messages/worker-questions.ts';
import {
  previewDoneReplySchema,
  previewDoneRequestSchema,
  previewReplySchema,
  previewRequestSchema,
} from './messages/preview-messages.ts';
import { nextReplySchema, nextRequestSchema } from './messages/queue-messages.ts';
import { whyReplySchema, whyRequestSchema } from './messages/why-messages.ts';

/** Every message that zones exchange. */
export * from './messages/job-messages.ts';
export * from './messages/engine-messages.ts';
export * from './messages/manage-messages.ts';
export * from './messages/why-messages.ts';
export * from './messages/queue-messages.ts';
export * from './messages/task-messages.ts';
export * from './messages/task-status.ts';
export * from './messages/worker-messages.ts';
export * from './messages/worker-questions.ts';
export * from './messages/preview-messages.ts';
export type { FrameRef } from './messages/message-parts.ts';

/** Every message by the name used in docs/protocols.md. */
export const MESSAGE_SCHEMAS = {
  JobDocument: jobDocumentSchema,
  JobControl: jobControlSchema,
  SubmitReply: submitReplySchema,
  BatchRequest: batchRequestSchema,
  BatchReply: batchReplySchema,
  TaskMessage: taskMessageSchema,
  TaskStatus: taskStatusSchema,
  Heartbeat: heartbeatSchema,
  Progress: progressSchema,
  LogPiece: logPieceSchema,
  WorkerControl: workerControlSchema,
  JobStop: jobStopSchema,
  ResumeRequest: resumeRequestSchema,
  ResumeReply: resumeReplySchema,
  InputsRequest: inputsRequestSchema,
  InputsReply: inputsReplySchema,
  RootsRequest: rootsRequestSchema,
  RootsReply: rootsReplySchema,
  PreviewRequest: previewRequestSchema,
  PreviewReply: previewReplySchema,
  PreviewDoneRequest: previewDoneRequestSchema,
  PreviewDoneReply: previewDoneReplySchema,
  JobStatus: jobStatusSchema,
  DeadLetter: deadLetterSchema,
  WhyRequest: whyRequestSchema,
  WhyReply: whyReplySchema,
  NextRequest: nextRequestSchema,
  NextReply: nextReplySchema,
  EngineNotice: engineNoticeSchema,
  ManageRequest: manageRequestSchema,
  ManageReply: manageReplySchema,
} as const;
