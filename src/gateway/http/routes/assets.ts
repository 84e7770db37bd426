import { Router } from 'express';
import {
  assetPlanRequestSchema,
  assetRequestSchema,
  partLinkRequestSchema,
  partsCompleteRequestSchema,
  partsRequestSchema,
} from '../../../shared/contracts/asset-api.ts';
import { MAX_MANIFEST_BYTES } from '../../../shared/contracts/manifest.ts';
import type { AssetStore } from '../../ledger/asset-store.ts';
import type { PartUploads } from '../../ledger/part-uploads.ts';
import { rawBody, readBody } from '../read-body.ts';

/** 100,000 hashes with sizes. */
const MAX_PLAN_BYTES = 12_000_000;
/** The hashes of 10,000 parts. */
const MAX_PARTS_BYTES = 1_000_000;

export function assetRoutes(assets: AssetStore, parts: PartUploads): Router {
  const router = Router();
  router.post('/assets/plan', rawBody(MAX_PLAN_BYTES), async (request, response) => {
    const { files } = readBody(request, assetPlanRequestSchema, MAX_PLAN_BYTES);
    response.json(await assets.plan(files));
  });
  router.post('/assets', rawBody(MAX_MANIFEST_BYTES), async (request, response) => {
    const manifest = readBody(request, assetRequestSchema, MAX_MANIFEST_BYTES);
    const { asset, existing } = await assets.register(manifest);
    response.status(existing ? 200 : 201).json(asset);
  });
  const partsBody = rawBody(MAX_PARTS_BYTES);
  router.post('/assets/parts', partsBody, async (request, response) => {
    response.json(await parts.begin(readBody(request, partsRequestSchema, MAX_PARTS_BYTES)));
  });
  router.post('/assets/parts/link', partsBody, async (request, response) => {
    response.json(await parts.link(readBody(request, partLinkRequestSchema, MAX_PARTS_BYTES)));
  });
  router.post('/assets/parts/complete', partsBody, async (request, response) => {
    await parts.complete(readBody(request, partsCompleteRequestSchema, MAX_PARTS_BYTES));
    response.json({ state: 'verifying' });
  });
  router.post('/assets/parts/verify', partsBody, async (request, response) => {
    response.json(await parts.verify(readBody(request, partsRequestSchema, MAX_PARTS_BYTES)));
  });
  return router;
}
