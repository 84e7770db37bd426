import { FarmError, describeValue } from './errors.ts';

/** Every id that becomes a NATS subject token or a part of an S3 key: no dots, stars, spaces, slashes or quotes. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export const ID_RULE = 'a letter or digit, then up to 63 letters, digits, "_" or "-"';

export function isId(value: string): boolean {
  return ID_PATTERN.test(value);
}

/**
 * Returns `value` when it can stand in a subject or key.
 * @throws FarmError `invalid` naming what the id was meant for.
 */
export function assertId(value: string, what: string): string {
  if (!isId(value))
    throw new FarmError('invalid', `${what} ${describeValue(value)} is not an id: it must be ${ID_RULE}.`);
  return value;
}

/** `<task>-<feed>-<delivery>`, as {@link attemptId} makes it. */
export const ATTEMPT_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,159}$/;

/** The task that an attempt is one of. */
export function taskOfAttempt(attempt: string): string {
  return attempt.replace(/-\d+-\d+$/, '');
}

/** The attempt's id: one delivery of one feed of one task. Parts of it never contain another "-" than the joining ones. */
export function attemptId(taskId: string, feed: number, delivery: number): string {
  return `${taskId}-${feed}-${delivery}`;
}
