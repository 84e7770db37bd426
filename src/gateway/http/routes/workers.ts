import { Router } from 'express';
import type { WorkerBoard } from '../../workers/worker-board.ts';

export function workerRoutes(workers: WorkerBoard): Router {
  const router = Router();
  router.get('/workers', async (_request, response) => {
    response.json({ workers: await workers.list() });
  });
  router.get('/engines', async (_request, response) => {
    response.json({ engines: await workers.engines() });
  });
  return router;
}
