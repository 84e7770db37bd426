import { Router } from 'express';
import { z } from 'zod';
import type { Queue } from '../../../shared/contracts/queue-api.ts';
import type { QueueQueries } from '../../ledger/queue-queries.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';
import { readQuery } from '../read-body.ts';

/** All who look at the page within this time share an answer: the leader plans a round for each. */
const SHARED_FOR_MS = 1_000;

const query = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) });

export function queueRoutes(queue: QueueQueries, manager: FarmManager): Router {
  const shared = new Map<number, { atMs: number; answer: Promise<Queue> }>();
  const router = Router();
  router.get('/queue', async (request, response) => {
    const { limit } = readQuery(request, query);
    let known = shared.get(limit);
    if (!known || performance.now() - known.atMs >= SHARED_FOR_MS) {
      known = { atMs: performance.now(), answer: readQueue(queue, manager, limit) };
      shared.set(limit, known);
      // A failure is told to those who wait for it, and to nobody after them.
      known.answer.catch(() => shared.delete(limit));
    }
    response.json(await known.answer);
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
