import { z } from 'zod';
import {
  assetPlanSchema,
  assetReplySchema,
  attemptsSchema,
  controlManyReplySchema,
  controlReplySchema,
  framesPageSchema,
  historySchema,
  jobsPageSchema,
  logReplySchema,
  notesSchema,
  partLinkSchema,
  partsReplySchema,
  partsVerifyReplySchema,
  problemSchema,
  resultsPageSchema,
  templateSchema,
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
import { manageAnswerSchema, type ManageAnswer } from '../../shared/contracts/manage-api.ts';
import { jobDetailsSchema, type JobDetails } from '../../shared/contracts/job-details.ts';
import type { AssetManifest } from '../../shared/contracts/manifest.ts';
import { jobSummarySchema, type JobVerb } from '../../shared/contracts/messages.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { RefusedError, UnreachableError } from './exit-codes.ts';

const REQUEST_TIMEOUT_MS = 60_000;

const submissionSchema = z.object({ job: jobSummarySchema, existing: z.boolean() });
export type Submission = z.infer<typeof submissionSchema>;

/** Query parameters; those that are undefined are left out. */
type Query = Readonly<Record<string, string | number | undefined>>;

interface RequestOptions<T> {
  schema: z.ZodType<T>;
  query?: Query;
  /** JSON, or bytes that are sent as they are. */
  body?: unknown;
}

/**
 * The farm's HTTP API. Replies are held against the contracts.
 * Every method throws RefusedError when the farm says no, UnreachableError when no farm answers.
 */
export class FarmClient {
  readonly url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  /** @param farm origin such as `http://127.0.0.1:7780`, the farm's token, and what ends every request early. */
  constructor(farm: { url: string; token: string; signal?: AbortSignal }) {
    this.url = farm.url.replace(/\/+$/, '');
    this.#token = farm.token;
    this.#signal = farm.signal ?? new AbortController().signal;
  }

  /** The page's address; the token stands in the fragment, which browsers do not send. */
  get dashboard(): string {
    return `${this.url}/#token=${this.#token}`;
  }

  /** @param document a job document, or the bytes of one. */
  submit(document: unknown): Promise<Submission> {
    return this.#request('POST', '/api/jobs', { schema: submissionSchema, body: document });
  }

  jobs(query: { state?: string; q?: string; limit?: number; cursor?: string } = {}): Promise<JobsPage> {
    return this.#request('GET', '/api/jobs', { schema: jobsPageSchema, query });
  }

  job(id: string): Promise<JobDetails> {
    return this.#request('GET', `/api/jobs/${segment(id)}`, { schema: jobDetailsSchema });
  }

  frames(
    id: string,
    query: { state?: string; step?: string; from?: number; limit?: number; cursor?: string } = {},
  ): Promise<FramesPage> {
    return this.#request('GET', `/api/jobs/${segment(id)}/frames`, { schema: framesPageSchema, query });
  }

  results(id: string, query: { step?: string; cursor?: string } = {}): Promise<ResultsPage> {
    return this.#request('GET', `/api/jobs/${segment(id)}/results`, { schema: resultsPageSchema, query });
  }

  /** A job's attempts, newest first. */
  attempts(id: string, query: { cursor?: string } = {}): Promise<Attempts> {
    return this.#request('GET', `/api/jobs/${segment(id)}/logs`, { schema: attemptsSchema, query });
  }

  log(id: string, attempt: string, offset: number): Promise<LogReply> {
    const query = { attempt, offset };
    return this.#request('GET', `/api/jobs/${segment(id)}/logs`, { schema: logReplySchema, query });
  }

  control(id: string, verb: JobVerb, body: ControlBody = {}): Promise<ControlReply> {
    return this.#request('POST', `/api/jobs/${segment(id)}/${verb}`, { schema: controlReplySchema, body });
  }

  /** One verb for several jobs. */
  controlMany(body: ControlManyBody): Promise<ControlManyReply> {
    return this.#request('POST', '/api/jobs/control', { schema: controlManyReplySchema, body });
  }

  /** Who did what to a job, newest first. */
  history(id: string, query: { limit?: number } = {}): Promise<History> {
    return this.#request('GET', `/api/jobs/${segment(id)}/history`, { schema: historySchema, query });
  }

  /** What people wrote about a job, newest first. */
  notes(id: string, query: { limit?: number } = {}): Promise<Notes> {
    return this.#request('GET', `/api/jobs/${segment(id)}/notes`, { schema: notesSchema, query });
  }

  async workers(): Promise<Worker[]> {
    return (await this.#request('GET', '/api/workers', { schema: workersSchema })).workers;
  }

  /** The engines that the farm knows, with what the workers that are here have of them. */
  engines(): Promise<Engines> {
    return this.#request('GET', '/api/engines', { schema: enginesSchema });
  }

  /** Ids of the engines that some worker has now. */
  async offeredEngines(): Promise<Set<string>> {
    const { engines } = await this.engines();
    return new Set(engines.filter(({ workers }) => workers > 0).map(({ id }) => id));
  }

  /** @param version the newest when absent. */
  template(name: string, version?: number): Promise<Template> {
    const query = { version };
    return this.#request('GET', `/api/templates/${segment(name)}`, { schema: templateSchema, query });
  }

  registerTemplate(template: TemplateRequest): Promise<Template> {
    return this.#request('POST', '/api/templates', { schema: templateSchema, body: template });
  }

  submitBatch(document: BatchDocument): Promise<BatchSubmission> {
    return this.#request('POST', '/api/batches', { schema: batchSubmissionSchema, body: document });
  }

  /** @param refused how many of the refused rows come along. */
  batch(id: string, refused: number): Promise<Batch> {
    return this.#request('GET', `/api/batches/${segment(id)}`, { schema: batchSchema, query: { refused } });
  }

  cancelBatch(id: string): Promise<BatchSubmission> {
    return this.#request('POST', `/api/batches/${segment(id)}/cancel`, {
      schema: batchSubmissionSchema,
      body: {},
    });
  }

  batchResults(id: string, query: { limit?: number; cursor?: string } = {}): Promise<RowResultsPage> {
    return this.#request('GET', `/api/batches/${segment(id)}/results`, {
      schema: rowResultsPageSchema,
      query,
    });
  }

  planAssets(request: AssetPlanRequest): Promise<AssetPlan> {
    return this.#request('POST', '/api/assets/plan', { schema: assetPlanSchema, body: request });
  }

  /** Begins an upload in parts, or goes on with one. */
  beginParts({ sha256, size }: { sha256: string; size: number }): Promise<PartsReply> {
    return this.#request('POST', '/api/assets/parts', { schema: partsReplySchema, body: { sha256, size } });
  }

  partLink(part: PartLinkRequest): Promise<PartLink> {
    return this.#request('POST', '/api/assets/parts/link', { schema: partLinkSchema, body: part });
  }

  completeParts(body: PartsCompleteRequest): Promise<PartsVerifyReply> {
    return this.#request('POST', '/api/assets/parts/complete', { schema: partsVerifyReplySchema, body });
  }

  /** Waits some seconds; asked again until it says `verified`. */
  verifyParts(body: { sha256: string; size: number }): Promise<PartsVerifyReply> {
    return this.#request('POST', '/api/assets/parts/verify', { schema: partsVerifyReplySchema, body });
  }

  registerAsset(manifest: AssetManifest): Promise<AssetReply> {
    return this.#request('POST', '/api/assets', { schema: assetReplySchema, body: manifest });
  }

  /** A list or one thing under `/api`; parts of the path are escaped here. */
  read<T>(path: readonly string[], schema: z.ZodType<T>, query: Query = {}): Promise<T> {
    return this.#request('GET', `/api/${path.map(segment).join('/')}`, { schema, query });
  }

  /** Changes something that wranglers set. */
  manage(
    method: 'POST' | 'PUT' | 'DELETE',
    path: readonly string[],
    body: unknown,
    query: Query = {},
  ): Promise<ManageAnswer> {
    const options = { schema: manageAnswerSchema, body, query };
    return this.#request(method, `/api/${path.map(segment).join('/')}`, options);
  }

  async #request<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options: RequestOptions<T>,
  ): Promise<T> {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(options.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const { status, text } = await this.#exchange(method, url, options.body);
    const value = parseJson(text);
    if (status >= 400) throw refusal(status, value, this.url);
    const parsed = options.schema.safeParse(value);
    if (!parsed.success) throw new UnreachableError(notAFarm(this.url, `${method} ${path}`));
    return parsed.data;
  }

  #exchange(method: string, url: URL, body: unknown): Promise<{ status: number; text: string }> {
    return exchange(url, {
      method,
      redirect: 'error', // the token must not follow anybody elsewhere
      headers: {
        authorization: `Bearer ${this.#token}`,
        accept: 'application/json, application/problem+json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: toBody(body) }),
      signal: this.#signal,
    });
  }
}

/**
 * One request and its whole reply, whatever its status.
 * @throws UnreachableError when nobody answers; the reason of `signal` when it was aborted.
 */
export async function exchange(
  url: URL,
  { signal, ...request }: RequestInit & { signal: AbortSignal },
): Promise<{ status: number; text: string }> {
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    const response = await fetch(url, { ...request, signal: limited });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    signal.throwIfAborted();
    throw new UnreachableError(
      `No farm answers at ${url.origin} (${reasonOf(error)}). Start one with ./farmhand up, or name it with --farm.`,
      { cause: error },
    );
  }
}

const segment = (id: string): string => encodeURIComponent(id);

function toBody(body: unknown): string | Uint8Array<ArrayBuffer> {
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // said by the caller: the reply does not fit its schema
  }
}

const CODES: readonly string[] = [
  'invalid',
  'not-found',
  'conflict',
  'refused',
  'unavailable',
  'too-large',
  'unauthorized',
  'internal',
] satisfies ErrorCode[];

function isErrorCode(code: string): code is ErrorCode {
  return CODES.includes(code);
}

function refusal(status: number, body: unknown, url: string): RefusedError | UnreachableError {
  const problem = problemSchema.safeParse(body);
  if (!problem.success) return new UnreachableError(notAFarm(url, `status ${status}`));
  const { code, title, detail, errors = [] } = problem.data;
  if (code === 'unauthorized')
    return new RefusedError(
      code,
      `The farm at ${url} does not accept this token. FARMHAND_TOKEN, or the file of FARMHAND_TOKEN_FILE, has to hold the one that ./farmhand env prints on the farm's machine; unset them for the farm that runs here.`,
      { status },
    );
  const lines = errors.map(
    (issue) => `  ${issue.path || '(whole document)'}: got ${issue.value}, expected ${issue.expected}`,
  );
  const sentence = detail === '' ? title : detail;
  // The issues are in the sentence already when the farm made it from them: several read better one below the other.
  const [first] = errors;
  const at = first === undefined ? -1 : sentence.indexOf(`: got ${first.value}, expected ${first.expected}`);
  const listed = errors.every((issue) => sentence.includes(issue.expected));
  const head = at < 0 ? sentence : sentence.slice(0, at).replace(/\s*\S+$/, '');
  const message = listed && errors.length < 2 ? sentence : [head, ...lines].join('\n');
  return new RefusedError(isErrorCode(code) ? code : 'internal', message, { status, issues: errors });
}

function notAFarm(url: string, what: string): string {
  return `${url} does not answer like a farm of this version (${what}). Is it the address that ./farmhand status prints?`;
}

/** The innermost reason of a failed fetch: `connect ECONNREFUSED 127.0.0.1:7780`, not `fetch failed`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${REQUEST_TIMEOUT_MS / 1_000} s`;
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message === '' ? code : error.message;
}
