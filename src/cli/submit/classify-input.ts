import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { describeValue, messageOf } from '../../shared/domain/errors.ts';
import { UsageError } from '../support/exit-codes.ts';
import { looksLikeLottie } from './find-scene.ts';

/** What the FILE of `submit` is. */
export type SubmitInput =
  | { kind: 'template'; ref: string }
  | { kind: 'document'; bytes: Uint8Array; value: Record<string, unknown> }
  | { kind: 'scene' | 'folder' | 'zip' };

/** Beyond this a JSON file is not even looked into; the largest Lottie animations are smaller. */
const MAX_JSON_BYTES = 256 * 1_048_576;

/**
 * Finds out what `file` is: `template:<name>`, a folder, a zip, a job document, or else a scene.
 * @throws UsageError when it is not there, cannot be read, or is JSON of neither kind.
 */
export async function classifyInput(file: string): Promise<SubmitInput> {
  if (file.startsWith('template:')) return { kind: 'template', ref: file };
  const info = await stat(file).catch((error: unknown) => {
    const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new UsageError(gone ? `${file} is not there.` : `${file} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  });
  if (info.isDirectory()) return { kind: 'folder' };
  if (!info.isFile()) throw new UsageError(`${file} is neither a file nor a folder.`);
  const extension = extname(file).toLowerCase();
  if (extension === '.zip') return { kind: 'zip' };
  if (extension === '.json') return classifyJson(file, await readJsonBytes(file, info.size));
  return { kind: 'scene' };
}

async function readJsonBytes(file: string, size: number): Promise<Uint8Array> {
  if (size > MAX_JSON_BYTES)
    throw new UsageError(
      `${file} has ${size.toLocaleString('en')} bytes, too many for a scene or job document.`,
    );
  try {
    return await readFile(file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function classifyJson(file: string, bytes: Uint8Array): SubmitInput {
  const value = parseJson(file, bytes);
  if (looksLikeLottie(value)) return { kind: 'scene' };
  if (!isObject(value))
    throw new UsageError(
      `${file} is neither a Lottie animation nor a job document: it holds ${describe(value)}.`,
    );
  const known = ['version', 'engine', 'steps', 'scene'].some((field) => Object.hasOwn(value, field));
  if (!known && !('v' in value && 'layers' in value))
    throw new UsageError(
      `${file} is neither a Lottie animation (no "layers") nor a job document (no "version", "engine" or "steps").`,
    );
  return known ? { kind: 'document', bytes, value } : { kind: 'scene' };
}

function parseJson(file: string, bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${file} is not UTF-8 text; expected JSON in UTF-8.`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const describe = (value: unknown): string => (Array.isArray(value) ? 'a list' : describeValue(value));
