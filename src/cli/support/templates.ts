import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { templateRequestSchema, type Template } from '../../shared/contracts/api.ts';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';
import { collectFiles } from '../submit/collect-files.ts';
import type { FarmClient } from './farm-client.ts';
import { uploadAsset } from './upload.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'examples', 'templates');

/** `template.json`: what `POST /api/templates` takes, with the scene's path in place of an uploaded asset. */
const templateFileSchema = templateRequestSchema.omit({ asset: true, scenePath: true }).extend({
  scene: z.string().min(1),
});

interface RegisterOptions {
  /** Folder with a folder for each template. */
  folder?: string;
  signal?: AbortSignal;
}

/**
 * Stores the templates that come with Farmhand. One that the farm has in the same form already changes nothing.
 * @returns them as the farm knows them.
 * @throws FarmError `invalid` for a template that is not in order; RefusedError, UnreachableError.
 */
export async function registerExampleTemplates(
  client: FarmClient,
  options: RegisterOptions = {},
): Promise<Template[]> {
  const folder = options.folder ?? EXAMPLES;
  const templates: Template[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory())
      templates.push(await registerTemplate(client, join(folder, entry.name), options));
  return templates;
}

async function registerTemplate(
  client: FarmClient,
  folder: string,
  { signal = new AbortController().signal }: RegisterOptions,
): Promise<Template> {
  const what = join(folder, 'template.json');
  const { scene, ...template } = parseWith(
    templateFileSchema,
    decodeJson(await readFile(what), { what }),
    what,
  );
  const files = (await collectFiles(folder)).filter((file) => file.path !== 'template.json');
  const asset = await uploadAsset(files, { client, signal, label: template.name });
  return await client.registerTemplate({ ...template, asset, scenePath: scene });
}
