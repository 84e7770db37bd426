import { Router } from 'express';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import {
  deliveryBodySchema,
  targetBodySchema,
  type Delivery,
  type DeliveryBody,
} from '../../../shared/contracts/delivery-api.ts';
import { parseWith } from '../../../shared/contracts/decode.ts';
import { FarmError } from '../../../shared/domain/errors.ts';
import type { DeliveryRunner } from '../../delivery/delivery-runner.ts';
import { placeText, type DeliveryStore } from '../../delivery/delivery-store.ts';
import type { TargetStore } from '../../delivery/target-store.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { ResultReader } from '../../ledger/result-reader.ts';
import { selectionText } from '../../ledger/result-selection.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody } from '../read-body.ts';

const MAX_BODY_BYTES = 65_536;

export interface DeliveryParts {
  jobs: JobQueries;
  reader: ResultReader;
  targets: TargetStore;
  deliveries: DeliveryStore;
  deliveryRunner: DeliveryRunner;
}

/** Copies of results in buckets outside of the farm, and the targets that lead there. */
export function deliveryRoutes(parts: DeliveryParts): Router {
  const { jobs, targets, deliveries, deliveryRunner } = parts;
  const router = Router();
  router.post('/jobs/:id/deliveries', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const body = readBody(request, deliveryBodySchema, MAX_BODY_BYTES);
    const delivery = await deliver(parts, String(request.params['id']), {
      ...body,
      by: body.by ?? callerOf(response),
    });
    if (delivery.id === null) {
      response.json(delivery);
      return;
    }
    deliveryRunner.wake();
    response.status(201).location(`/api/deliveries/${delivery.id}`).json(delivery);
  });
  router.get('/jobs/:id/deliveries', async (request, response) => {
    await jobs.assertExists(request.params.id);
    response.json({ deliveries: await deliveries.ofJob(request.params.id) });
  });
  router.get('/deliveries/:id', async (request, response) => {
    response.json(await deliveries.get(parseWith(idSchema, request.params.id, 'The delivery’s id')));
  });
  router.post('/deliveries/:id/cancel', async (request, response) => {
    response.json(await deliveries.cancel(parseWith(idSchema, request.params.id, 'The delivery’s id')));
  });
  router.get('/targets', async (_request, response) => {
    response.json({ targets: await targets.list() });
  });
  router.put('/targets/:name', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const name = parseWith(idSchema, request.params['name'], 'The target’s name');
    const body = readBody(request, targetBodySchema, MAX_BODY_BYTES);
    await targets.put(name, body, body.by ?? callerOf(response));
    response.status(204).end();
  });
  router.delete('/targets/:name', async (request, response) => {
    await targets.remove(parseWith(idSchema, request.params.name, 'The target’s name'));
    response.status(204).end();
  });
  return router;
}

/** @throws FarmError where nothing is to be delivered, or no target leads there */
async function deliver(
  { reader, targets, deliveries }: DeliveryParts,
  jobId: string,
  body: DeliveryBody & { by: string },
): Promise<Delivery> {
  const { step, output, frames, pattern, by } = body;
  const results = await reader.open(jobId, { step, output, frames }, pattern);
  const destination = await targets.find(body);
  const total = await reader.count(results);
  if (total.files === 0) {
    const what = selectionText(results.selection);
    throw new FarmError(
      'not-found',
      `Job ${jobId} has no finished files${what === '' ? '' : ` for ${what}`}.`,
    );
  }
  const { selection } = results;
  if (body.dryRun !== true) return deliveries.add({ jobId, destination, selection, pattern, total, by });
  return {
    id: null,
    job: jobId,
    target: destination.target,
    to: placeText(destination),
    state: 'queued',
    files: { total: total.files, done: 0, kept: 0, failed: 0 },
    bytes: { total: total.bytes, done: 0 },
    error: null,
    failures: [],
    createdBy: by,
    createdAt: new Date().toISOString(),
    finishedAt: null,
  };
}
