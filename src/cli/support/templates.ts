import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Template } from '../../shared/contracts/api.ts';
import { readTemplate } from '../template/read-template.ts';
import type { FarmClient } from './farm-client.ts';
import { uploadAsset } from './upload.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'examples', 'templates');

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
  const { request, files } = await readTemplate(folder);
  const asset = await uploadAsset(files, { client, signal, label: request.name });
  return await client.registerTemplate({ ...request, asset });
}
