import { Router } from 'express';
import { z } from 'zod';
import { MAX_DOCUMENT_BYTES, idSchema } from '../../../shared/contracts/job-document.ts';
import { MAX_QUERY_LENGTH } from '../../../shared/domain/job-query/job-query.ts';
import { JOB_SORTS, parseJobSort } from '../../../shared/domain/job-query/job-sort.ts';
import { parseJobQuery } from '../../../shared/domain/job-query/parse-job-query.ts';
import { JOB_STATES } from '../../../shared/domain/states.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { JobSubmitter } from '../../messaging/job-submitter.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import { listOf } from '../list-parameter.ts';
import { bodyBytes, rawBody, readQuery } from '../read-body.ts';

const listQuery = z.strictObject({
  state: listOf(JOB_STATES),
  q: z.string().min(1).max(200).optional(),
  batch: idSchema.optional(),
  owner: z.string().min(1).max(100).optional(),
  project: z.string().min(1).max(100).optional(),
  endedBefore: z.iso.datetime({ offset: true }).optional(),
  bin: z.stringbool().optional(),
  query: z.string().max(MAX_QUERY_LENGTH).default('').transform(parseJobQuery),
  sort: z
    .string()
    .transform(parseJobSort)
    .refine(
      (sort) => sort !== undefined,
      `one of ${JOB_SORTS.join(', ')}, or one of these with "-" before it`,
    )
    .optional(),
  limit: limitSchema(50, 500),
  cursor: cursorSchema,
});

const historyQuery = z.strictObject({ limit: limitSchema(100, 1_000), cursor: cursorSchema });

export function jobRoutes(jobs: JobQueries, submitter: JobSubmitter): Router {
  const router = Router();
  router.post('/jobs', rawBody(MAX_DOCUMENT_BYTES), async (request, response) => {
    const submitted = await submitter.submit(bodyBytes(request));
    response
      .status(submitted.existing ? 200 : 201)
      .location(`/api/jobs/${submitted.id}`)
      .json(submitted);
  });
  router.get('/jobs', async (request, response) => {
    const { state, ...query } = readQuery(request, listQuery);
    response.json(await jobs.list({ ...query, states: state }));
  });
  router.get('/jobs/:id', async (request, response) => {
    response.json(await jobs.get(request.params.id));
  });
  router.get('/jobs/:id/document', async (request, response) => {
    response.json(await jobs.document(request.params.id));
  });
  router.get('/jobs/:id/history', async (request, response) => {
    const { limit, cursor } = readQuery(request, historyQuery);
    await jobs.assertExists(request.params.id);
    response.json(await jobs.history(request.params.id, limit, cursor));
  });
  router.get('/jobs/:id/notes', async (request, response) => {
    const { limit, cursor } = readQuery(request, historyQuery);
    await jobs.assertExists(request.params.id);
    response.json(await jobs.notes(request.params.id, limit, cursor));
  });
  return router;
}
