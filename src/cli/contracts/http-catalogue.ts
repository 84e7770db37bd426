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
  enginesSchema,
  farmSchema,
  framesPageSchema,
  healthSchema,
  historySchema,
  jobsPageSchema,
  logReplySchema,
  notesSchema,
  problemSchema,
  resultsPageSchema,
  sessionRequestSchema,
  templateRequestSchema,
  templateSchema,
  templatesSchema,
  workersSchema,
} from '../../shared/contracts/api.ts';
import { jobDocumentSchema } from '../../shared/contracts/job-document.ts';
import { jobSummarySchema, submitReplySchema } from '../../shared/contracts/messages.ts';

/** Bodies by the name that they have in docs/openapi.json. */
export const HTTP_SCHEMAS = {
  Problem: problemSchema,
  JobDocument: jobDocumentSchema,
  // Of the reply on `jobs.submit` only the first variant comes with a status below 400.
  Submission: submitReplySchema.options[0],
  Job: jobSummarySchema,
  JobsPage: jobsPageSchema,
  FramesPage: framesPageSchema,
  ResultsPage: resultsPageSchema,
  Attempts: attemptsSchema,
  LogPiece: logReplySchema,
  History: historySchema,
  ControlRequest: controlBodySchema,
  ControlReply: controlReplySchema,
  ControlManyRequest: controlManyBodySchema,
  ControlManyReply: controlManyReplySchema,
  Notes: notesSchema,
  Workers: workersSchema,
  Engines: enginesSchema,
  Farm: farmSchema,
  SessionRequest: sessionRequestSchema,
  AssetPlanRequest: assetPlanRequestSchema,
  AssetPlan: assetPlanSchema,
  AssetManifest: assetRequestSchema,
  Asset: assetReplySchema,
  TemplateRequest: templateRequestSchema,
  Template: templateSchema,
  Templates: templatesSchema,
  Health: healthSchema,
} as const satisfies Record<string, z.ZodType>;
export type HttpSchemaName = keyof typeof HTTP_SCHEMAS;

export interface RouteEntry {
  method: 'get' | 'post' | 'delete';
  /** With parameters in braces. */
  path: string;
  summary: string;
  query?: Readonly<Record<string, string>>;
  body?: HttpSchemaName;
  /** Status → body; null: none. Every route may also answer with a problem document. */
  replies: Readonly<Record<number, HttpSchemaName | null | readonly HttpSchemaName[]>>;
  /** Asked without the farm's token. */
  open?: true;
}

const PAGED = { limit: 'how many a page', cursor: 'the `next` of the page before' } as const;
const control = (verb: string, summary: string): RouteEntry => ({
  method: 'post',
  path: `/api/jobs/{id}/${verb}`,
  summary,
  body: 'ControlRequest',
  replies: { 200: 'ControlReply', 202: 'ControlReply' },
});

/** Every route of the gateway. */
export const HTTP_CATALOGUE: readonly RouteEntry[] = [
  {
    method: 'post',
    path: '/api/jobs',
    summary: 'submit a job document; 200 when the same one is there already',
    body: 'JobDocument',
    replies: { 200: 'Submission', 201: 'Submission' },
  },
  {
    method: 'get',
    path: '/api/jobs',
    summary: 'jobs, newest first',
    query: {
      state: 'one or more states, joined by commas',
      q: 'text in name, id, owner or project',
      ...PAGED,
    },
    replies: { 200: 'JobsPage' },
  },
  { method: 'get', path: '/api/jobs/{id}', summary: 'one job', replies: { 200: 'Job' } },
  {
    method: 'get',
    path: '/api/jobs/{id}/frames',
    summary: 'its frames',
    query: {
      state: 'one or more states, joined by commas',
      step: 'only this step',
      from: 'only this frame number or a higher one',
      ...PAGED,
    },
    replies: { 200: 'FramesPage' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/frames/{step}/{frame}/image',
    summary: "redirects to a frame's main output",
    query: { g: "the frame's generation, so that the answer can be kept" },
    replies: { 302: null },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/frames/{step}/{frame}/thumbnail',
    summary: 'redirects to a small WebP picture of a frame',
    query: { g: "the frame's generation, so that the answer can be kept" },
    replies: { 302: null },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/results',
    summary: 'files to take home, with links that hold for five minutes',
    query: { step: 'only this step', from: 'only this frame number or a higher one', ...PAGED },
    replies: { 200: 'ResultsPage' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/logs',
    summary: "attempts, newest first; with `attempt`, a piece of that attempt's log",
    query: { attempt: 'an attempt id', offset: 'bytes of the log already read', ...PAGED },
    replies: { 200: ['Attempts', 'LogPiece'] },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/history',
    summary: 'who did what, newest first',
    query: PAGED,
    replies: { 200: 'History' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/notes',
    summary: 'what people wrote about it, newest first',
    query: PAGED,
    replies: { 200: 'Notes' },
  },
  {
    method: 'post',
    path: '/api/jobs/control',
    summary:
      'one verb for several jobs, with one sentence for all; 202 when some have not answered in ten seconds',
    body: 'ControlManyRequest',
    replies: { 200: 'ControlManyReply', 202: 'ControlManyReply' },
  },
  control('pause', 'give out no more frames; 202 when the outcome is not known within three seconds'),
  control('resume', 'go on with what was paused, cancelled or held'),
  control('cancel', 'end it; results are kept; with `drain` frames under way are finished'),
  control('retry', 'render failed frames again, or those of `frames`'),
  control('skip', 'leave failed frames out, or those of `frames` that have not ended'),
  control('add-frames', 'more `frames` for a step'),
  control('priority', 'change `priority` at once'),
  control('chunk', 'change `chunk` or `targetSeconds`, of one step or of all'),
  control('limits', 'how many frames may be `running` at once; null: any number'),
  control('note', 'write something about it'),
  control('resubmit', 'the same document with the changes of `set`, as a new job'),
  { method: 'get', path: '/api/workers', summary: 'workers', replies: { 200: 'Workers' } },
  {
    method: 'get',
    path: '/api/engines',
    summary: 'what the workers that are here can render with',
    replies: { 200: 'Engines' },
  },
  {
    method: 'post',
    path: '/api/assets/plan',
    summary: 'which of up to 1,000 files must be uploaded, with a link for each that is bound to its content',
    body: 'AssetPlanRequest',
    replies: { 200: 'AssetPlan' },
  },
  {
    method: 'post',
    path: '/api/assets',
    summary: 'register a manifest whose files are all there',
    body: 'AssetManifest',
    replies: { 200: 'Asset', 201: 'Asset' },
  },
  { method: 'get', path: '/api/templates', summary: 'templates', replies: { 200: 'Templates' } },
  {
    method: 'post',
    path: '/api/templates',
    summary: 'store a template; the same as the newest version changes nothing',
    body: 'TemplateRequest',
    replies: { 200: 'Template', 201: 'Template' },
  },
  {
    method: 'get',
    path: '/api/templates/{name}',
    summary: 'one template',
    query: { version: 'default: the newest' },
    replies: { 200: 'Template' },
  },
  { method: 'get', path: '/api/farm', summary: 'what this farm is', replies: { 200: 'Farm' } },
  {
    method: 'post',
    path: '/api/session',
    summary: "turn the farm's token into the page's cookie",
    body: 'SessionRequest',
    replies: { 204: null },
    open: true,
  },
  {
    method: 'delete',
    path: '/api/session',
    summary: 'forget the cookie',
    replies: { 204: null },
    open: true,
  },
  { method: 'get', path: '/livez', summary: 'the process lives', replies: { 200: 'Health' }, open: true },
  {
    method: 'get',
    path: '/readyz',
    summary: 'the farm can be used; otherwise what is missing',
    replies: { 200: 'Health', 503: 'Health' },
    open: true,
  },
];
