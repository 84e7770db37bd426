import { Router, type Request, type Response } from 'express';
import { removeRootBodySchema, rootBodySchema } from '../../../shared/contracts/manage-api.ts';
import { assertId } from '../../../shared/domain/ids.ts';
import { newId } from '../../../shared/domain/new-id.ts';
import type { RootQueries } from '../../ledger/root-queries.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody } from '../read-body.ts';

const MAX_BODY_BYTES = 10_000;

/** Storage that workers mount: read from the ledger, changed by the coordinators. */
export function rootRoutes(roots: RootQueries, manager: FarmManager): Router {
  const router = Router();
  router.get('/roots', async (_request, response) => {
    response.json({ roots: await roots.list() });
  });
  router.put('/roots/:name', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const {
      linux = null,
      mac = null,
      windows = null,
      unc = null,
      ...body
    } = readBody(request, rootBodySchema, MAX_BODY_BYTES);
    const asked = askedIn(request, response, body);
    response.json(await manager.manage({ ...body, linux, mac, windows, unc, ...asked, verb: 'put-root' }));
  });
  router.delete('/roots/:name', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const body = readBody(request, removeRootBodySchema, MAX_BODY_BYTES);
    const asked = askedIn(request, response, body);
    response.json(await manager.manage({ ...body, ...asked, verb: 'remove-root' }));
  });
  return router;
}

function askedIn(
  request: Request,
  response: Response,
  { by, requestId }: { by?: string | undefined; requestId?: string | undefined },
): { root: string; by: string; requestId: string } {
  return {
    root: assertId(String(request.params['name']), 'The storage root'),
    by: by ?? callerOf(response),
    requestId: requestId ?? newId('r'),
  };
}
