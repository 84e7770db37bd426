import { readFile } from 'node:fs/promises';
import { describeValue, messageOf } from '../../shared/domain/errors.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { JsonObject } from './params.ts';

/**
 * The JSON object of a `--data` file.
 * @throws UsageError
 */
export async function readData(file: string): Promise<JsonObject> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new UsageError(`--data ${file} is not there.`, { cause: error });
    throw new UsageError(`--data ${file} cannot be read as JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(
      `--data ${file} holds ${describeValue(value)}; expected an object such as {"title":"Hello"}.`,
    );
  return value as JsonObject;
}
