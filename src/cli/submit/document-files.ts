import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../../shared/domain/errors.ts';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import { rootReference } from '../../shared/domain/root-paths.ts';
import type { SharedStorage } from './shared-storage.ts';
import { UsageError } from '../support/exit-codes.ts';
import { uploadAsset } from '../support/upload.ts';
import type { PrepareTools } from './prepare.ts';

type Json = Record<string, unknown>;

/** A path beside the document: `./sound.wav`, `../sound/theme.wav`. */
export const isLocalPath = (value: unknown): value is string =>
  typeof value === 'string' && /^\.{1,2}\//.test(value);

/**
 * The same object unless a setting that its engine takes as a file is a local path: such files are uploaded, unless shared storage has
 * them.
 * @param path of the part in the document, `steps[2]`, or '' for the document itself
 * @throws UsageError for a file that cannot be read
 */
export async function withUploadedSettings(
  part: unknown,
  path: string,
  documentFile: string,
  tools: PrepareTools,
  storage: SharedStorage,
): Promise<unknown> {
  if (typeof part !== 'object' || part === null) return part;
  const { engine, settings } = part as Json;
  if (typeof engine !== 'string' || typeof settings !== 'object' || settings === null) return part;
  const uploaded: Json = {};
  for (const name of describeEngine(engine)?.fileSettings ?? []) {
    const value = (settings as Json)[name];
    if (!isLocalPath(value)) continue;
    const field = `${path === '' ? '' : `${path}.`}settings.${name}`;
    uploaded[name] = await placeFile(join(dirname(documentFile), value), field, tools, storage);
  }
  return Object.keys(uploaded).length === 0 ? part : { ...part, settings: { ...settings, ...uploaded } };
}

async function placeFile(
  file: string,
  field: string,
  { farm, progress, signal }: PrepareTools,
  storage: SharedStorage,
): Promise<string> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    (error: unknown) => {
      throw new UsageError(`${field} names the file ${file}, which cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    },
  );
  if (!isFile) throw new UsageError(`${field} names ${file}, which is not a file.`);
  const there = await storage.fileOf(file);
  if (there !== undefined) return rootReference(there);
  const name = basename(file);
  const client = await farm();
  const asset = await uploadAsset([{ path: name, file }], { client, progress, signal, label: name });
  return `asset:${asset}/${name}`;
}
