import { Router } from 'express';
import { z } from 'zod';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { ResultQueries } from '../../ledger/result-queries.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import { readQuery } from '../read-body.ts';

const query = z.strictObject({
  step: idSchema.optional(),
  from: z.coerce.number().int().optional(),
  /** Frames a page; each may have several files. */
  limit: limitSchema(200, 500),
  cursor: cursorSchema,
});

export function resultRoutes(results: ResultQueries, jobs: JobQueries): Router {
  const router = Router();
  router.get('/jobs/:id/results', async (request, response) => {
    const jobId = request.params.id;
    await jobs.assertExists(jobId);
    response.json(await results.list({ jobId, ...readQuery(request, query) }));
  });
  return router;
}
