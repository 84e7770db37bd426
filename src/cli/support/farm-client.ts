import { z } from 'zod';
import {
  assetPlanSchema,
  assetReplySchema,
  attemptsSchema,
  controlManyReplySchema,
  controlReplySchema,
  framesPageSchema,
  previewSchema,
  historySchema,
  jobsPageSchema,
  logReplySchema,
  notesSchema,
  partLinkSchema,
  partsReplySchema,
  partsVerifyReplySchema,
  resultsPageSchema,
  templateSchema,
  templateVersionsSchema,
  workersSchema,
  enginesSchema,
  type Engines,
  type AssetPlan,
  type AssetPlanRequest,
  type AssetReply,
  type Attempts,
  type ControlBody,
  type ControlManyBody,
  type ControlManyReply,
  type ControlReply,
  type FramesPage,
  type Preview,
  type History,
  type JobsPage,
  type LogReply,
  type Notes,
  type PartLink,
  type PartLinkRequest,
  type PartsCompleteRequest,
  type PartsReply,
  type PartsVerifyReply,
  type ResultsPage,
  type Template,
  type TemplateRequest,
  type TemplateVersions,
  type Worker,
} from '../../shared/contracts/api.ts';
import {
  batchSchema,
  batchSubmissionSchema,
  rowResultsPageSchema,
  type Batch,
  type BatchDocument,
  type BatchSubmission,
  type RowResultsPage,
} from '../../shared/contracts/batch.ts';
import {
  deliverySchema,
  storedCheckSchema,
  type StoredCheck,
  type Delivery,
  type DeliveryBody,
  type targetBodySchema,
} from '../../shared/contracts/delivery-api.ts';
import { manageAnswerSchema, type ManageAnswer } from '../../shared/contracts/manage-api.ts';
import { jobDetailsSchema, type JobDetails } from '../../shared/contracts/job-details.ts';
import type { AssetManifest } from '../../shared/contracts/manifest.ts';
import { jobSummarySchema, type JobVerb, type PreviewKind } from '../../shared/contracts/messages.ts';
import { FarmConnection, segment, type Query } from './farm-connection.ts';

const submissionSchema = z.object({ job: jobSummarySchema, existing: z.boolean() });
export type Submission = z.infer<typeof submissionSchema>;

/** Which jobs a list shows. */
export type JobsFilter = Partial<
  Record<'state' | 'q' | 'query' | 'sort' | 'owner' | 'project' | 'endedBefore' | 'bin', string>
>;

/** Which of a job's files are meant, and what they are called. */
export type FileSelection = Readonly<Partial<Record<'step' | 'output' | 'frames' | 'pattern', string>>>;

/**
 * The farm's HTTP API. Replies are held against the contracts.
 * Every method throws RefusedError when the farm says no, UnreachableError when no farm answers.
 */
export class FarmClient extends FarmConnection {
  /** @param document a job document, or the bytes of one. */
  submit(document: unknown): Promise<Submission> {
    return this.request('POST', '/api/jobs', { schema: submissionSchema, body: document });
  }

  jobs(query: JobsFilter & { limit?: number; cursor?: string } = {}): Promise<JobsPage> {
    return this.request('GET', '/api/jobs', { schema: jobsPageSchema, query });
  }

  job(id: string): Promise<JobDetails> {
    return this.request('GET', `/api/jobs/${segment(id)}`, { schema: jobDetailsSchema });
  }

  /** Asking has it made. */
  preview(id: string, step: string, kind: PreviewKind): Promise<Preview> {
    return this.request('GET', `/api/jobs/${segment(id)}/steps/${segment(step)}/${kind}`, {
      schema: previewSchema,
    });
  }

  frames(
    id: string,
    query: {
      state?: string;
      verdict?: string;
      step?: string;
      from?: number;
      limit?: number;
      cursor?: string;
    } = {},
  ): Promise<FramesPage> {
    return this.request('GET', `/api/jobs/${segment(id)}/frames`, { schema: framesPageSchema, query });
  }

  results(id: string, query: FileSelection & { limit?: number; cursor?: string } = {}): Promise<ResultsPage> {
    return this.request('GET', `/api/jobs/${segment(id)}/results`, { schema: resultsPageSchema, query });
  }

  /** Whether the farm's storage has what the ledger says, of a page of files. */
  checkStored(
    id: string,
    query: FileSelection & { limit?: number; cursor?: string } = {},
  ): Promise<StoredCheck> {
    return this.request('GET', `/api/jobs/${segment(id)}/results/check`, {
      schema: storedCheckSchema,
      query,
    });
  }

  /** A job's manifest as it comes; in the middle it may still fail. */
  async *manifest(id: string, query: FileSelection & { format: 'json' | 'csv' }): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for await (const piece of this.stream(['jobs', id, 'manifest'], query, {}))
      yield decoder.decode(piece, { stream: true });
  }

  /** Has the farm copy a job's files to a target. */
  deliver(id: string, body: DeliveryBody): Promise<Delivery> {
    return this.request('POST', `/api/jobs/${segment(id)}/deliveries`, { schema: deliverySchema, body });
  }

  delivery(id: string): Promise<Delivery> {
    return this.request('GET', `/api/deliveries/${segment(id)}`, { schema: deliverySchema });
  }

  async putTarget(name: string, body: z.input<typeof targetBodySchema>): Promise<void> {
    await this.request('PUT', `/api/targets/${segment(name)}`, { schema: z.undefined(), body });
  }

  async removeTarget(name: string): Promise<void> {
    await this.request('DELETE', `/api/targets/${segment(name)}`, { schema: z.undefined() });
  }

  /** A job's attempts, newest first. */
  attempts(id: string, query: { cursor?: string } = {}): Promise<Attempts> {
    return this.request('GET', `/api/jobs/${segment(id)}/logs`, { schema: attemptsSchema, query });
  }

  log(id: string, attempt: string, offset: number): Promise<LogReply> {
    const query = { attempt, offset };
    return this.request('GET', `/api/jobs/${segment(id)}/logs`, { schema: logReplySchema, query });
  }

  control(id: string, verb: JobVerb, body: ControlBody = {}): Promise<ControlReply> {
    return this.request('POST', `/api/jobs/${segment(id)}/${verb}`, { schema: controlReplySchema, body });
  }

  /** One verb for several jobs. */
  controlMany(body: ControlManyBody): Promise<ControlManyReply> {
    return this.request('POST', '/api/jobs/control', { schema: controlManyReplySchema, body });
  }

  /** Who did what to a job, newest first. */
  history(id: string, query: { limit?: number } = {}): Promise<History> {
    return this.request('GET', `/api/jobs/${segment(id)}/history`, { schema: historySchema, query });
  }

  /** What people wrote about a job, newest first. */
  notes(id: string, query: { limit?: number } = {}): Promise<Notes> {
    return this.request('GET', `/api/jobs/${segment(id)}/notes`, { schema: notesSchema, query });
  }

  async workers(): Promise<Worker[]> {
    return (await this.request('GET', '/api/workers', { schema: workersSchema })).workers;
  }

  /** The engines that the farm knows, with what the workers that are here have of them. */
  engines(): Promise<Engines> {
    return this.request('GET', '/api/engines', { schema: enginesSchema });
  }

  /** Ids of the engines that some worker has now. */
  async offeredEngines(): Promise<Set<string>> {
    const { engines } = await this.engines();
    return new Set(engines.filter(({ workers }) => workers > 0).map(({ id }) => id));
  }

  /** @param version the newest when absent. */
  template(name: string, version?: number): Promise<Template> {
    const query = { version };
    return this.request('GET', `/api/templates/${segment(name)}`, { schema: templateSchema, query });
  }

  /** @param below only versions under this one */
  templateVersions(name: string, below?: number): Promise<TemplateVersions> {
    const query = below === undefined ? {} : { below };
    return this.request('GET', `/api/templates/${segment(name)}/versions`, {
      schema: templateVersionsSchema,
      query,
    });
  }

  registerTemplate(template: TemplateRequest): Promise<Template> {
    return this.request('POST', '/api/templates', { schema: templateSchema, body: template });
  }

  submitBatch(document: BatchDocument): Promise<BatchSubmission> {
    return this.request('POST', '/api/batches', { schema: batchSubmissionSchema, body: document });
  }

  /** @param refused how many of the refused rows come along. */
  batch(id: string, refused: number): Promise<Batch> {
    return this.request('GET', `/api/batches/${segment(id)}`, { schema: batchSchema, query: { refused } });
  }

  cancelBatch(id: string): Promise<BatchSubmission> {
    return this.request('POST', `/api/batches/${segment(id)}/cancel`, {
      schema: batchSubmissionSchema,
      body: {},
    });
  }

  batchResults(id: string, query: { limit?: number; cursor?: string } = {}): Promise<RowResultsPage> {
    return this.request('GET', `/api/batches/${segment(id)}/results`, {
      schema: rowResultsPageSchema,
      query,
    });
  }

  planAssets(request: AssetPlanRequest): Promise<AssetPlan> {
    return this.request('POST', '/api/assets/plan', { schema: assetPlanSchema, body: request });
  }

  /** Begins an upload in parts, or goes on with one. */
  beginParts({ sha256, size }: { sha256: string; size: number }): Promise<PartsReply> {
    return this.request('POST', '/api/assets/parts', { schema: partsReplySchema, body: { sha256, size } });
  }

  partLink(part: PartLinkRequest): Promise<PartLink> {
    return this.request('POST', '/api/assets/parts/link', { schema: partLinkSchema, body: part });
  }

  completeParts(body: PartsCompleteRequest): Promise<PartsVerifyReply> {
    return this.request('POST', '/api/assets/parts/complete', { schema: partsVerifyReplySchema, body });
  }

  /** Waits some seconds; asked again until it says `verified`. */
  verifyParts(body: { sha256: string; size: number }): Promise<PartsVerifyReply> {
    return this.request('POST', '/api/assets/parts/verify', { schema: partsVerifyReplySchema, body });
  }

  registerAsset(manifest: AssetManifest): Promise<AssetReply> {
    return this.request('POST', '/api/assets', { schema: assetReplySchema, body: manifest });
  }

  /** A list or one thing under `/api`; parts of the path are escaped here. */
  read<T>(path: readonly string[], schema: z.ZodType<T>, query: Query = {}): Promise<T> {
    return this.request('GET', `/api/${path.map(segment).join('/')}`, { schema, query });
  }

  /** Changes something that wranglers set. */
  manage(
    method: 'POST' | 'PUT' | 'DELETE',
    path: readonly string[],
    body: unknown,
    query: Query = {},
  ): Promise<ManageAnswer> {
    const options = { schema: manageAnswerSchema, body, query };
    return this.request(method, `/api/${path.map(segment).join('/')}`, options);
  }

  /** Asks for something that has no method of its own. */
  send<T>(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: readonly string[],
    schema: z.ZodType<T>,
    body?: unknown,
  ): Promise<T> {
    return this.request(method, `/api/${path.map(segment).join('/')}`, { schema, body });
  }
}
