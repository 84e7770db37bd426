import { Router, type Request, type Response } from 'express';
import { engineBodySchema, removeBodySchema } from '../../../shared/contracts/manage-api.ts';
import { assertId } from '../../../shared/domain/ids.ts';
import { newId } from '../../../shared/domain/new-id.ts';
import type { FarmEngines } from '../../engines/farm-engines.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody } from '../read-body.ts';

const MAX_BODY_BYTES = 1_000_000;

/** The engines that the farm knows; the coordinators take definitions and take them away. */
export function engineRoutes(engines: FarmEngines, manager: FarmManager): Router {
  const router = Router();
  router.get('/engines', async (_request, response) => {
    response.json(await engines.list());
  });
  router.get('/engines/:id', (request, response) => {
    response.json(engines.form(assertId(request.params.id, 'The engine')));
  });
  router.put('/engines/:id', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const body = readBody(request, engineBodySchema, MAX_BODY_BYTES);
    const asked = askedIn(request, response, body);
    response.json(await manager.manage({ ...body, ...asked, verb: 'put-engine' }));
  });
  router.delete('/engines/:id', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const body = readBody(request, removeBodySchema, MAX_BODY_BYTES);
    const asked = askedIn(request, response, body);
    response.json(await manager.manage({ ...body, ...asked, verb: 'remove-engine' }));
  });
  return router;
}

function askedIn(
  request: Request,
  response: Response,
  { by, requestId }: { by?: string | undefined; requestId?: string | undefined },
): { engine: string; by: string; requestId: string } {
  return {
    engine: assertId(String(request.params['id']), 'The engine'),
    by: by ?? callerOf(response),
    requestId: requestId ?? newId('r'),
  };
}
