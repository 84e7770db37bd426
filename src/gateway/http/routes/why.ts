import { Router } from 'express';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';

export function whyRoutes(jobs: JobQueries, manager: FarmManager): Router {
  const router = Router();
  router.get('/jobs/:id/why', async (request, response) => {
    await jobs.assertExists(request.params.id);
    response.json(await manager.why(request.params.id));
  });
  return router;
}
