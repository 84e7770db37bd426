import { Router } from 'express';
import { z } from 'zod';
import type { OverviewReader } from '../../overview/overview-reader.ts';
import { readQuery } from '../read-body.ts';

export function overviewRoutes(overview: OverviewReader): Router {
  const router = Router();
  router.get('/overview', async (request, response) => {
    readQuery(request, z.strictObject({}));
    response.json(await overview.read());
  });
  return router;
}
