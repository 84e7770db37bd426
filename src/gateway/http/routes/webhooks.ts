import { Router } from 'express';
import { z } from 'zod';
import {
  DELIVERY_STATES,
  rotateRequestSchema,
  webhookRequestSchema,
  webhookUpdateSchema,
} from '../../../shared/contracts/webhook-api.ts';
import { assertId } from '../../../shared/domain/ids.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import type { Webhooks } from '../../webhooks/webhooks.ts';
import { callerOf } from '../access-middleware.ts';
import { listOf } from '../list-parameter.ts';
import { rawBody, readBody, readQuery } from '../read-body.ts';

const MAX_BODY_BYTES = 10_000;
const logQuery = z.strictObject({
  state: listOf(DELIVERY_STATES),
  limit: limitSchema(50, 200),
  cursor: cursorSchema,
});

/** Webhooks, and what became of what they were told. */
export function webhookRoutes(webhooks: Webhooks): Router {
  const router = Router();
  const { store, deliveries } = webhooks;
  router.use('/webhooks/:id', (request, _response, next) => {
    assertId(request.params.id, 'The webhook');
    next();
  });
  router.get('/webhooks', async (_request, response) => {
    response.json({ webhooks: await store.list() });
  });
  router.post('/webhooks', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const body = readBody(request, webhookRequestSchema, MAX_BODY_BYTES);
    response.status(201).json(await store.create(body, body.by ?? callerOf(response)));
  });
  router.get('/webhooks/:id', async (request, response) => {
    response.json(await store.get(request.params.id));
  });
  router.patch('/webhooks/:id', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const change = readBody(request, webhookUpdateSchema, MAX_BODY_BYTES);
    response.json(await store.update(String(request.params['id']), change));
    webhooks.wake();
  });
  router.delete('/webhooks/:id', async (request, response) => {
    await store.remove(request.params.id);
    response.status(204).end();
  });
  router.post('/webhooks/:id/rotate', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const { keepSeconds } = readBody(request, rotateRequestSchema, MAX_BODY_BYTES);
    response.json(await store.rotate(String(request.params['id']), keepSeconds));
  });
  router.post('/webhooks/:id/test', async (request, response) => {
    response.status(202).json(await deliveries.ping(request.params.id));
    webhooks.wake();
  });
  router.get('/webhooks/:id/deliveries', async (request, response) => {
    response.json(await deliveries.list(request.params.id, readQuery(request, logQuery)));
  });
  router.post('/webhooks/:id/deliveries/:delivery/redeliver', async (request, response) => {
    const { id, delivery } = request.params;
    response.status(202).json(await deliveries.redeliver(id, delivery));
    webhooks.wake();
  });
  return router;
}
