import { Router } from 'express';
import { z } from 'zod';
import { ATTEMPT_ID_PATTERN } from '../../../shared/domain/ids.ts';
import type { AttemptQueries } from '../../ledger/attempt-queries.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { LogReader } from '../../storage/log-reader.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import { readQuery } from '../read-body.ts';

const query = z.strictObject({
  attempt: z.string().regex(ATTEMPT_ID_PATTERN, 'an attempt id').optional(),
  /** Bytes of UTF-8. */
  offset: z.coerce.number().int().min(0).default(0),
  limit: limitSchema(200, 1_000),
  cursor: cursorSchema,
});

/** Without `attempt` the list of attempts, with it a piece of that attempt's log. */
export function logRoutes(attempts: AttemptQueries, logs: LogReader, jobs: JobQueries): Router {
  const router = Router();
  router.get('/jobs/:id/logs', async (request, response) => {
    const { attempt, offset, limit, cursor } = readQuery(request, query);
    const jobId = request.params.id;
    if (attempt !== undefined) {
      response.json(await logs.read(jobId, attempt, offset));
      return;
    }
    await jobs.assertExists(jobId);
    response.json(await attempts.list(jobId, limit, cursor));
  });
  return router;
}
