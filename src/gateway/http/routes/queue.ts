import { Router } from 'express';
import { z } from 'zod';
import type { Queue } from '../../../shared/contracts/queue-api.ts';
import type { QueueQueries } from '../../ledger/queue-queries.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';
import { readQuery } from '../read-body.ts';

const query = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) });

export function queueRoutes(queue: QueueQueries, manager: FarmManager): Router {
  /** Answers under way, by limit: the leader plans a round for each, so that all who ask meanwhile share one. */
  const underWay = new Map<number, Promise<Queue>>();
  const router = Router();
  router.get('/queue', async (request, response) => {
    const { limit } = readQuery(request, query);
    const answer =
      underWay.get(limit) ?? readQueue(queue, manager, limit).finally(() => underWay.delete(limit));
    underWay.set(limit, answer);
    response.json(await answer);
  });
  return router;
}

async function readQueue(queue: QueueQueries, manager: FarmManager, limit: number): Promise<Queue> {
  const next = await manager.next(limit);
  const [names, lanes] = await Promise.all([
    queue.names(next.order.map(({ jobId }) => jobId)),
    queue.lanes(next.groups.map(({ group }) => group)),
  ]);
  const order = next.order.map((place) => ({ ...place, name: names.get(place.jobId) ?? place.jobId }));
  return { ...next, order, lanes };
}
