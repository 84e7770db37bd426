import { Router } from 'express';
import { inspectRequestSchema } from '../../../shared/contracts/inspect-api.ts';
import { reportOf } from '../../../shared/scenes/scene-report.ts';
import type { StoredScenes } from '../../storage/stored-scenes.ts';
import type { WorkerBoard } from '../../workers/worker-board.ts';
import { rawBody, readBody } from '../read-body.ts';

const MAX_BYTES = 10_000;

/** What scenes that were uploaded have and need. */
export function inspectRoutes(scenes: StoredScenes, workers: WorkerBoard): Router {
  const router = Router();
  router.post('/inspect', rawBody(MAX_BYTES), async (request, response) => {
    const { asset, scene } = readBody(request, inspectRequestSchema, MAX_BYTES);
    response.json(reportOf(await scenes.inspect(asset, scene), await workers.engines()));
  });
  return router;
}
