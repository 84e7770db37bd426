import { Router } from 'express';
import { z } from 'zod';
import type { Queue } from '../../../shared/contracts/queue-api.ts';
import type { QueueQueries } from '../../ledger/queue-queries.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';
import { readQuery } from '../read-body.ts';

const query = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) });

export function queueRoutes(queue: QueueQueries, manager: FarmManager): Router {
  const router = Router();
  router.get('/queue', async (request, response) => {
    const { limit } = readQuery(request, query);
    const next = await manager.next(limit);
    const [names, lanes] = await Promise.all([
      queue.names(next.order.map(({ jobId }) => jobId)),
      queue.lanes(next.groups.map(({ group }) => group)),
    ]);
    const order = next.order.map((place) => ({ ...place, name: names.get(place.jobId) ?? place.jobId }));
    const answer: Queue = { ...next, order, lanes };
    response.json(answer);
  });
  return router;
}
