import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import {
  WORKER_VERBS,
  workerVerbBodySchema,
  workersControlBodySchema,
  type WorkerVerb,
  type WorkerVerbBody,
} from '../../../shared/contracts/manage-api.ts';
import type { ManageRequest } from '../../../shared/contracts/messages.ts';
import { FarmError, InvalidInputError, describeValue } from '../../../shared/domain/errors.ts';
import { assertId } from '../../../shared/domain/ids.ts';
import { newId } from '../../../shared/domain/new-id.ts';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import type { AttemptQueries } from '../../ledger/attempt-queries.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import type { FarmSettingsQueries } from '../../ledger/farm-settings-queries.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';
import type { WorkerBoard } from '../../workers/worker-board.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody, readQuery } from '../read-body.ts';

const MAX_BODY_BYTES = 1_000_000;
const historyQuery = z.strictObject({ worker: idSchema.optional() });
const attemptsQuery = z.strictObject({ limit: limitSchema(100, 500), cursor: cursorSchema });
const eventsQuery = z.strictObject({ limit: limitSchema(100, 1_000), cursor: cursorSchema });

export function workerRoutes(
  workers: WorkerBoard,
  settings: FarmSettingsQueries,
  manager: FarmManager,
  attempts: AttemptQueries,
): Router {
  const router = Router();
  router.get('/workers', async (_request, response) => {
    response.json({ workers: await workers.list() });
  });
  router.post('/workers/control', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const { verb, ids, ...body } = readBody(request, workersControlBodySchema, MAX_BODY_BYTES);
    response.json(await manager.manage(requestOf(verb, ids, body, response)));
  });
  router.get('/worker-history', (request, response) => {
    response.json(workers.history(readQuery(request, historyQuery).worker));
  });
  router.get('/workers/:id', async (request, response) => {
    const id = workerIdOf(request);
    const orders = await settings.orders(id);
    const worker = (await workers.list()).find((one) => one.id === id);
    if (!worker) throw new FarmError('not-found', `There is no worker ${id}.`);
    response.json({ ...worker, orders });
  });
  router.get('/workers/:id/events', async (request, response) => {
    const id = workerIdOf(request);
    const { limit, cursor } = readQuery(request, eventsQuery);
    await settings.orders(id); // a worker that is not there has no history
    response.json(await settings.workerEvents(id, limit, cursor));
  });
  router.get('/workers/:id/attempts', async (request, response) => {
    const id = workerIdOf(request);
    const { limit, cursor } = readQuery(request, attemptsQuery);
    await settings.orders(id);
    response.json(await attempts.ofWorker(id, limit, cursor));
  });
  for (const verb of WORKER_VERBS) {
    router.post(`/workers/:id/${verb}`, rawBody(MAX_BODY_BYTES), async (request, response) => {
      const body = readBody(request, workerVerbBodySchema, MAX_BODY_BYTES);
      response.json(await manager.manage(requestOf(verb, [workerIdOf(request)], body, response)));
    });
  }
  return router;
}

const workerIdOf = (request: Request): string => assertId(String(request.params['id']), "The worker's id");

function requestOf(
  verb: WorkerVerb,
  workers: string[],
  body: WorkerVerbBody,
  response: Response,
): ManageRequest {
  const { timetable, reason, ...rest } = body;
  assertFits(verb, body);
  const asked = { by: callerOf(response), ...rest, requestId: rest.requestId ?? newId('r'), workers };
  switch (verb) {
    case 'pause':
    case 'give-back':
      return { ...asked, verb: `worker-${verb}`, ...(reason === undefined ? {} : { reason }) };
    case 'timetable':
      return { ...asked, verb: 'worker-timetable', timetable: timetable ?? null };
    case 'resume':
    case 'drain':
      return { ...asked, verb: `worker-${verb}` };
  }
}

/** @throws InvalidInputError when a field does not belong to the verb, or the one that does is missing. */
function assertFits(verb: WorkerVerb, { timetable, reason }: WorkerVerbBody): void {
  const issues = [];
  if (verb === 'timetable' && timetable === undefined)
    issues.push({
      path: 'timetable',
      value: 'nothing',
      expected: 'times such as "19:00-08:00 and weekends", or null',
    });
  if (verb !== 'timetable' && timetable !== undefined)
    issues.push({
      path: 'timetable',
      value: describeValue(timetable),
      expected: 'nothing: only timetable takes it',
    });
  if (verb !== 'pause' && verb !== 'give-back' && reason !== undefined)
    issues.push({
      path: 'reason',
      value: describeValue(reason),
      expected: 'nothing: only pause and give-back take it',
    });
  if (issues.length > 0) throw new InvalidInputError("The request's body", issues);
}
