import { extname } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Router } from 'express';
import { z } from 'zod';
import { templateRequestSchema, type TemplateRequest } from '../../../shared/contracts/api.ts';
import { describeEngine, engineCatalogue } from '../../../shared/engines/engine-catalogue.ts';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import { parseWith } from '../../../shared/contracts/decode.ts';
import { FarmError, InvalidInputError, messageOf, type InputIssue } from '../../../shared/domain/errors.ts';
import { readAssetFile } from '../../storage/asset-file.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { AssetStore } from '../../ledger/asset-store.ts';
import { limitSchema } from '../../ledger/cursor.ts';
import type { TemplateStore } from '../../ledger/template-store.ts';
import { rawBody, readBody, readQuery } from '../read-body.ts';

const MAX_BODY_BYTES = 1_000_000;
const getQuery = z.strictObject({ version: z.coerce.number().int().min(1).optional() });
const versionsQuery = z.strictObject({
  limit: limitSchema(50, 200),
  below: z.coerce.number().int().min(1).optional(),
});

const MAX_PREVIEW_BYTES = 20_000_000;

export function templateRoutes(templates: TemplateStore, assets: AssetStore, objects: ObjectStore): Router {
  const router = Router();
  router.post('/templates', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const template = readBody(request, templateRequestSchema, MAX_BODY_BYTES);
    assertMakesSense(template);
    await assets.assertHolds(template.asset, template.scenePath);
    if (template.preview !== undefined) await assets.assertHolds(template.asset, template.preview, 'preview');
    const stored = await templates.put(template);
    response.status(stored.existing ? 200 : 201).json(stored.template);
  });
  router.get('/templates', async (_request, response) => {
    response.json({ templates: await templates.list() });
  });
  router.get('/templates/:name', async (request, response) => {
    const name = parseWith(idSchema, request.params.name, 'The template’s name');
    response.json(await templates.get(name, readQuery(request, getQuery).version));
  });
  router.get('/templates/:name/versions', async (request, response) => {
    const name = parseWith(idSchema, request.params.name, 'The template’s name');
    const { limit, below } = readQuery(request, versionsQuery);
    response.json(await templates.versions(name, limit, below));
  });
  router.get('/templates/:name/preview', async (request, response) => {
    const name = parseWith(idSchema, request.params.name, 'The template’s name');
    const { asset, preview } = await templates.get(name, readQuery(request, getQuery).version);
    if (preview === undefined) throw new FarmError('not-found', `The template ${name} has no preview.`);
    const file = { asset, path: preview, mostBytes: MAX_PREVIEW_BYTES };
    response.type(extname(preview)).send(await readAssetFile(objects, file));
  });
  return router;
}

function assertMakesSense(template: TemplateRequest): void {
  const issues: InputIssue[] = [];
  if (describeEngine(template.engine)?.scene !== 'required') {
    const expected = engineCatalogue()
      .list()
      .filter(({ scene }) => scene === 'required')
      .map(({ id }) => id)
      .join(', ');
    issues.push({
      path: 'engine',
      value: template.engine,
      expected: `an engine that takes a scene: ${expected}`,
    });
  }
  const wrong = whatIsWrongWith(template.schema);
  if (wrong !== undefined) {
    issues.push({ path: 'schema', value: wrong, expected: 'JSON Schema 2020-12 of an object' });
  }
  const { properties } = template.schema;
  const parameters = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  for (const name of Object.keys(template.slots)) {
    if (parameters.includes(name)) continue;
    issues.push({
      path: `slots.${name}`,
      value: 'a slot',
      expected: 'a parameter that schema.properties names',
    });
  }
  if (issues.length > 0) throw new InvalidInputError('The template', issues);
}

function whatIsWrongWith(schema: TemplateRequest['schema']): string | undefined {
  if (schema['type'] !== 'object') return 'a schema whose type is not "object"';
  try {
    new Ajv2020({ strict: false, logger: false, validateFormats: false }).compile(schema);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
