import { Router } from 'express';
import { assetPlanRequestSchema, assetRequestSchema } from '../../../shared/contracts/api.ts';
import { MAX_MANIFEST_BYTES } from '../../../shared/contracts/manifest.ts';
import type { AssetStore } from '../../ledger/asset-store.ts';
import { rawBody, readBody } from '../read-body.ts';

/** 1,000 hashes with sizes. */
const MAX_PLAN_BYTES = 200_000;

export function assetRoutes(assets: AssetStore): Router {
  const router = Router();
  router.post('/assets/plan', rawBody(MAX_PLAN_BYTES), async (request, response) => {
    const { files } = readBody(request, assetPlanRequestSchema, MAX_PLAN_BYTES);
    response.json({ uploads: await assets.plan(files) });
  });
  router.post('/assets', rawBody(MAX_MANIFEST_BYTES), async (request, response) => {
    const manifest = readBody(request, assetRequestSchema, MAX_MANIFEST_BYTES);
    const { asset, existing } = await assets.register(manifest);
    response.status(existing ? 200 : 201).json(asset);
  });
  return router;
}
