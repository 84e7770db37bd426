import { Router } from 'express';
import { z } from 'zod';
import { STORAGE_GROUPS } from '../../../shared/contracts/retention.ts';
import type { StorageQueries } from '../../ledger/storage-queries.ts';
import { readQuery } from '../read-body.ts';

const query = z.strictObject({
  by: z.enum(STORAGE_GROUPS).default('project'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export function storageRoutes(storage: StorageQueries): Router {
  const router = Router();
  router.get('/storage', async (request, response) => {
    const { by, limit } = readQuery(request, query);
    response.json(await storage.storage(by, limit));
  });
  return router;
}
