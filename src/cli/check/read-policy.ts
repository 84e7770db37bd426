import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { parseWith } from '../../shared/contracts/decode.ts';
import { qualityPolicySchema, type QualityPolicy } from '../../shared/contracts/quality.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { UsageError } from '../support/exit-codes.ts';

const MAX_BYTES = 1_000_000;

/** A policy as a job or template has it, in JSON or YAML. @throws UsageError; FarmError `invalid` with what is wrong */
export async function readPolicy(path: string): Promise<QualityPolicy> {
  let value: unknown;
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > MAX_BYTES) throw new Error('it is too large for a policy');
    value = parse(text);
  } catch (error) {
    throw new UsageError(`The policy ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return parseWith(qualityPolicySchema, value, `The policy ${path}`);
}
