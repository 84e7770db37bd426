import { Router } from 'express';
import { z } from 'zod';
import { parseWith } from '../../../shared/contracts/decode.ts';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { QualityQueries } from '../../ledger/quality-queries.ts';

const frameParams = z.object({
  id: idSchema,
  step: idSchema,
  frame: z
    .string()
    .regex(/^-?\d{1,9}$/, 'a frame number')
    .transform(Number),
});

export function qualityRoutes(quality: QualityQueries, jobs: JobQueries): Router {
  const router = Router();
  router.get('/jobs/:id/quality', async (request, response) => {
    await jobs.assertExists(request.params.id);
    response.json(await quality.job(request.params.id));
  });
  router.get('/jobs/:id/verdicts', async (request, response) => {
    await jobs.assertExists(request.params.id);
    response.json(await quality.verdicts(request.params.id));
  });
  router.get('/jobs/:id/frames/:step/:frame/quality', async (request, response) => {
    const { id, step, frame } = parseWith(frameParams, request.params, 'The address');
    response.json(await quality.frame(id, step, frame));
  });
  return router;
}
