import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { parseWith } from '../../../shared/contracts/decode.ts';
import {
  engineVersionBodySchema,
  guaranteeBodySchema,
  limitBodySchema,
  removeBodySchema,
  shareBodySchema,
} from '../../../shared/contracts/manage-api.ts';
import { retentionBodySchema } from '../../../shared/contracts/retention.ts';
import { manageRequestSchema } from '../../../shared/contracts/messages.ts';
import { newId } from '../../../shared/domain/new-id.ts';
import type { FarmSettingsQueries } from '../../ledger/farm-settings-queries.ts';
import type { FarmManager } from '../../messaging/farm-manager.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody, readQuery } from '../read-body.ts';

const MAX_BODY_BYTES = 10_000;
const ofProject = z.strictObject({ project: z.string().min(1).max(100).optional() });

interface Asked {
  requestId?: string | undefined;
}

/** One kind of setting: where it is, and what a PUT or a DELETE asks of the coordinators. */
interface Setting {
  path: string;
  body: z.ZodType<Asked & Record<string, unknown>>;
  /** @returns what names it, from the path and the query. */
  named: (request: Request) => Record<string, unknown>;
  verb: string;
  /** What there is without it. */
  without: Record<string, unknown>;
}

const parameters =
  (...names: readonly string[]) =>
  (request: Request): Record<string, unknown> => {
    readQuery(request, z.strictObject({}));
    return Object.fromEntries(names.map((name) => [name, String(request.params[name])]));
  };

const SETTINGS: readonly Setting[] = [
  {
    path: '/limits/:kind/:name',
    body: limitBodySchema,
    named: parameters('kind', 'name'),
    verb: 'limit',
    without: { running: null },
  },
  {
    path: '/shares/:kind/:name',
    body: shareBodySchema,
    named: parameters('kind', 'name'),
    verb: 'share',
    without: { weight: 1 },
  },
  {
    path: '/guarantees/:project/:pool',
    body: guaranteeBodySchema,
    named: parameters('project', 'pool'),
    verb: 'guarantee',
    without: { slots: 0 },
  },
  {
    path: '/engine-versions/:engine',
    body: engineVersionBodySchema,
    named: (request) => ({
      engine: String(request.params['engine']),
      project: readQuery(request, ofProject).project ?? null,
    }),
    verb: 'engine-version',
    without: { range: null },
  },
  {
    path: '/retention/:what',
    body: retentionBodySchema,
    named: (request) => ({
      what: String(request.params['what']),
      project: readQuery(request, ofProject).project ?? null,
    }),
    verb: 'retention',
    without: { days: null },
  },
];

/** Limits, shares, guarantees and default versions: read from the ledger, changed by the coordinators. */
export function farmSettingRoutes(settings: FarmSettingsQueries, manager: FarmManager): Router {
  const router = Router();
  router.get('/limits', async (_request, response) => {
    response.json({ limits: await settings.limits() });
  });
  router.get('/shares', async (_request, response) => {
    response.json({ shares: await settings.shares() });
  });
  router.get('/guarantees', async (_request, response) => {
    response.json({ guarantees: await settings.guarantees() });
  });
  router.get('/engine-versions', async (_request, response) => {
    response.json({ engineVersions: await settings.engineVersions() });
  });
  router.get('/retention', async (_request, response) => {
    response.json({ rules: await settings.retention() });
  });
  for (const { path, body, named, verb, without } of SETTINGS) {
    const change = async (request: Request, response: Response, fields: Asked): Promise<void> => {
      const asked = { by: callerOf(response), ...fields, requestId: fields.requestId ?? newId('r') };
      const wanted = parseWith(manageRequestSchema, { ...asked, verb, ...named(request) }, 'The request');
      response.json(await manager.manage(wanted));
    };
    router.put(path, rawBody(MAX_BODY_BYTES), async (request, response) => {
      await change(request, response, readBody(request, body, MAX_BODY_BYTES));
    });
    router.delete(path, rawBody(MAX_BODY_BYTES), async (request, response) => {
      await change(request, response, { ...readBody(request, removeBodySchema, MAX_BODY_BYTES), ...without });
    });
  }
  return router;
}
