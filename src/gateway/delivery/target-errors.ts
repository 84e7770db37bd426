import { FarmError, messageOf } from '../../shared/domain/errors.ts';

/** What was asked of a target when it failed. */
export interface TargetAction {
  /** Of S3: `PutObject`. */
  action: string;
  /** The right that it needs. */
  right: string;
  bucket: string;
  key: string;
  target: string;
  accessKeyId: string;
}

/** The target does not take files as things stand: trying again changes nothing until somebody has done something. */
export class TargetRefusedError extends FarmError {
  constructor(message: string, cause: unknown) {
    super('refused', message, { cause });
    this.name = 'TargetRefusedError';
  }
}

const UNKNOWN_KEY = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidClientTokenId']);

/** HTTP status of a target's answer; undefined when none came. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  return (error.$metadata as { httpStatusCode?: number }).httpStatusCode;
}

/**
 * A target's error as a sentence that names bucket, action and remedy.
 * @returns TargetRefusedError where trying again is of no use; otherwise an error that passes
 */
export function targetError(error: unknown, asked: TargetAction): FarmError {
  const { action, right, bucket, key, target, accessKeyId } = asked;
  if (error instanceof FarmError)
    return error.code === 'refused' ? new TargetRefusedError(error.message, error) : error;
  const status = statusOf(error);
  const name = error instanceof Error ? error.name : '';
  const what = `${action} on s3://${bucket}/${key}`;
  if (UNKNOWN_KEY.has(name))
    return new TargetRefusedError(
      `Target ${target} does not accept the key ${accessKeyId} (${name} at ${what}). Store the right one: ./farmhand target add ${target} …`,
      error,
    );
  if (status === 403 || status === 401)
    return new TargetRefusedError(
      `The bucket ${bucket} refused ${what} to the key ${accessKeyId} of target ${target} (${name}). Give that key ${right} on arn:aws:s3:::${bucket}/${folderOf(key)}*, then deliver again.`,
      error,
    );
  if (name === 'NoSuchBucket' || (status === 404 && action !== 'GetObject'))
    return new TargetRefusedError(
      `There is no bucket ${bucket} at target ${target} (${what}). Make it, or store the target with the right bucket.`,
      error,
    );
  if (status === 301 || status === 307)
    return new TargetRefusedError(
      `The bucket ${bucket} is in another region than target ${target} says (${what}). Store the target with --region.`,
      error,
    );
  if (status !== undefined && status >= 400 && status < 500 && status !== 429 && status !== 408)
    return new TargetRefusedError(
      `Target ${target} refused ${what}: ${messageOf(error)} (${name}, ${status}).`,
      error,
    );
  return new FarmError('unavailable', `Target ${target} failed at ${what}: ${messageOf(error)}.`, {
    cause: error,
  });
}

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);
