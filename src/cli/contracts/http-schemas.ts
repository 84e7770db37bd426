import type { z } from 'zod';
import {
  assetPlanRequestSchema,
  assetPlanSchema,
  assetReplySchema,
  assetRequestSchema,
  attemptsSchema,
  controlBodySchema,
  controlManyBodySchema,
  controlManyReplySchema,
  controlReplySchema,
  engineFormSchema,
  enginesSchema,
  farmSchema,
  framesPageSchema,
  healthSchema,
  historySchema,
  jobsPageSchema,
  logReplySchema,
  notesSchema,
  partLinkRequestSchema,
  partLinkSchema,
  partsCompleteRequestSchema,
  partsReplySchema,
  partsRequestSchema,
  partsVerifyReplySchema,
  problemSchema,
  previewSchema,
  resultsPageSchema,
  sessionRequestSchema,
  templateRequestSchema,
  templateSchema,
  templatesSchema,
  templateVersionsSchema,
  workersSchema,
} from '../../shared/contracts/api.ts';
import {
  engineBodySchema,
  engineVersionBodySchema,
  engineVersionsSchema,
  guaranteeBodySchema,
  guaranteesSchema,
  limitBodySchema,
  limitsSchema,
  manageAnswerSchema,
  removeBodySchema,
  removeRootBodySchema,
  rootBodySchema,
  shareBodySchema,
  sharesSchema,
  whySchema,
  workerDetailsSchema,
  workerEventsSchema,
  workersControlBodySchema,
  workerVerbBodySchema,
} from '../../shared/contracts/manage-api.ts';
import {
  batchDocumentSchema,
  batchSchema,
  batchSubmissionSchema,
  batchesPageSchema,
  rowResultsPageSchema,
} from '../../shared/contracts/batch.ts';
import { farmEventSchema, pingEventSchema, streamEventSchema } from '../../shared/contracts/events.ts';
import {
  createdWebhookSchema,
  hookDeliveriesPageSchema,
  hookDeliverySchema,
  rotateRequestSchema,
  webhookRequestSchema,
  webhookUpdateSchema,
  webhookSchema,
  webhooksSchema,
} from '../../shared/contracts/webhook-api.ts';
import {
  deliveriesSchema,
  deliveryBodySchema,
  deliverySchema as jobDeliverySchema,
  jobManifestSchema,
  storedCheckSchema,
  targetBodySchema,
  targetsSchema,
} from '../../shared/contracts/delivery-api.ts';
import { inspectRequestSchema, sceneReportSchema } from '../../shared/contracts/inspect-api.ts';
import { jobDetailsSchema } from '../../shared/contracts/job-details.ts';
import { jobDocumentSchema } from '../../shared/contracts/job-document.ts';
import { failureDetailsSchema, failuresSchema } from '../../shared/contracts/failure-api.ts';
import { workerAttemptsSchema, workersHistorySchema } from '../../shared/contracts/worker-api.ts';
import { overviewSchema } from '../../shared/contracts/overview-api.ts';
import { queueSchema } from '../../shared/contracts/queue-api.ts';
import { rootsSchema } from '../../shared/contracts/storage-roots.ts';
import { retentionBodySchema, retentionSchema, storageSchema } from '../../shared/contracts/retention.ts';
import {
  frameQualityPageSchema,
  jobQualitySchema,
  jobVerdictsSchema,
} from '../../shared/contracts/quality-api.ts';
import {
  jobLevelsSchema,
  jobPaceSchema,
  jobTimelineSchema,
  logSearchSchema,
} from '../../shared/contracts/job-views.ts';
import { submitReplySchema } from '../../shared/contracts/messages.ts';

/** Bodies by the name that they have in docs/openapi.json. */
export const HTTP_SCHEMAS = {
  Problem: problemSchema,
  JobDocument: jobDocumentSchema,
  // Of the reply on `jobs.submit` only the first variant comes with a status below 400.
  Submission: submitReplySchema.options[0],
  Job: jobDetailsSchema,
  JobsPage: jobsPageSchema,
  FramesPage: framesPageSchema,
  Preview: previewSchema,
  ResultsPage: resultsPageSchema,
  JobManifest: jobManifestSchema,
  StoredCheck: storedCheckSchema,
  JobDeliveryRequest: deliveryBodySchema,
  JobDelivery: jobDeliverySchema,
  JobDeliveries: deliveriesSchema,
  TargetRequest: targetBodySchema,
  Targets: targetsSchema,
  Attempts: attemptsSchema,
  LogPiece: logReplySchema,
  History: historySchema,
  ControlRequest: controlBodySchema,
  ControlReply: controlReplySchema,
  ControlManyRequest: controlManyBodySchema,
  ControlManyReply: controlManyReplySchema,
  Notes: notesSchema,
  Why: whySchema,
  Workers: workersSchema,
  Worker: workerDetailsSchema,
  WorkerEvents: workerEventsSchema,
  WorkerAttempts: workerAttemptsSchema,
  WorkersHistory: workersHistorySchema,
  Failures: failuresSchema,
  FailureDetails: failureDetailsSchema,
  WorkerRequest: workerVerbBodySchema,
  WorkersRequest: workersControlBodySchema,
  ManageReply: manageAnswerSchema,
  LimitRequest: limitBodySchema,
  Limits: limitsSchema,
  ShareRequest: shareBodySchema,
  Shares: sharesSchema,
  GuaranteeRequest: guaranteeBodySchema,
  RootRequest: rootBodySchema,
  RootRemoveRequest: removeRootBodySchema,
  Roots: rootsSchema,
  Guarantees: guaranteesSchema,
  EngineVersionRequest: engineVersionBodySchema,
  EngineVersions: engineVersionsSchema,
  RetentionRequest: retentionBodySchema,
  Retention: retentionSchema,
  Storage: storageSchema,
  Overview: overviewSchema,
  Queue: queueSchema,
  RemoveRequest: removeBodySchema,
  Engines: enginesSchema,
  EngineForm: engineFormSchema,
  EngineRequest: engineBodySchema,
  Farm: farmSchema,
  SessionRequest: sessionRequestSchema,
  AssetPlanRequest: assetPlanRequestSchema,
  AssetPlan: assetPlanSchema,
  PartsRequest: partsRequestSchema,
  Parts: partsReplySchema,
  PartLinkRequest: partLinkRequestSchema,
  PartLink: partLinkSchema,
  PartsCompleteRequest: partsCompleteRequestSchema,
  PartsVerified: partsVerifyReplySchema,
  InspectRequest: inspectRequestSchema,
  SceneReport: sceneReportSchema,
  AssetManifest: assetRequestSchema,
  Asset: assetReplySchema,
  TemplateRequest: templateRequestSchema,
  Template: templateSchema,
  Templates: templatesSchema,
  TemplateVersions: templateVersionsSchema,
  BatchDocument: batchDocumentSchema,
  BatchSubmission: batchSubmissionSchema,
  Batch: batchSchema,
  BatchesPage: batchesPageSchema,
  RowResultsPage: rowResultsPageSchema,
  WebhookRequest: webhookRequestSchema,
  WebhookUpdate: webhookUpdateSchema,
  CreatedWebhook: createdWebhookSchema,
  Webhook: webhookSchema,
  Webhooks: webhooksSchema,
  RotateRequest: rotateRequestSchema,
  WebhookDelivery: hookDeliverySchema,
  WebhookDeliveries: hookDeliveriesPageSchema,
  /** What is sent to receivers. */
  FarmEvent: farmEventSchema,
  PingEvent: pingEventSchema,
  StreamEvent: streamEventSchema,
  JobQuality: jobQualitySchema,
  FrameQuality: frameQualityPageSchema,
  JobVerdicts: jobVerdictsSchema,
  JobLevels: jobLevelsSchema,
  JobTimeline: jobTimelineSchema,
  JobPace: jobPaceSchema,
  LogSearch: logSearchSchema,
  Health: healthSchema,
} as const satisfies Record<string, z.ZodType>;
export type HttpSchemaName = keyof typeof HTTP_SCHEMAS;

export interface RouteEntry {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters in braces. */
  path: string;
  summary: string;
  query?: Readonly<Record<string, string>>;
  body?: HttpSchemaName;
  /** Status → body; null: none. Every route may also answer with a problem document. */
  replies: Readonly<Record<number, HttpSchemaName | null | readonly HttpSchemaName[]>>;
  /** What the bodies of good replies are; default: JSON. */
  contentType?: string;
  /** Asked without the farm's token. */
  open?: true;
}

/** Queries by which some of a job's files are chosen and named. */
export const SELECTED = {
  step: 'only this step',
  output: 'only this output of the frames; `main`: the picture itself',
  frames: 'only these frames, such as `1-100x2`',
  pattern: 'names the files, instead of what the job says',
} as const;

/** Queries of lists that come in pages. */
export const PAGED = { limit: 'how many a page', cursor: 'the `next` of the page before' } as const;
