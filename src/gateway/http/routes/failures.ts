import { Router } from 'express';
import { z } from 'zod';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import type { FailureBoard } from '../../failures/failure-board.ts';
import { limitSchema } from '../../ledger/cursor.ts';
import { readQuery } from '../read-body.ts';

const SECONDS = { m: 60, h: 3_600, d: 86_400 } as const;
const LONGEST_SECONDS = 90 * SECONDS.d;

const name = z.string().min(1).max(100).optional();
const filterShape = {
  since: z
    .string()
    .regex(/^[1-9]\d{0,4}[mhd]$/)
    .transform((text) => Number(text.slice(0, -1)) * SECONDS[text.slice(-1) as keyof typeof SECONDS])
    .refine((seconds) => seconds <= LONGEST_SECONDS, { error: 'at most 90d' })
    .default(SECONDS.d),
  project: name,
  owner: name,
  engine: idSchema.optional(),
  worker: idSchema.optional(),
  job: idSchema.optional(),
};
const listQuery = z.strictObject({ ...filterShape, limit: limitSchema(100, 500) });
const detailsQuery = z.strictObject(filterShape);

export function failureRoutes(failures: FailureBoard): Router {
  const router = Router();
  router.get('/failures', async (request, response) => {
    const { since: sinceSeconds, limit, ...filter } = readQuery(request, listQuery);
    response.json(await failures.list({ sinceSeconds, ...filter }, limit));
  });
  router.get('/failures/:id', async (request, response) => {
    const { since: sinceSeconds, ...filter } = readQuery(request, detailsQuery);
    response.json(await failures.details(request.params.id, { sinceSeconds, ...filter }));
  });
  return router;
}
