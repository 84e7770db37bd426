import { messageOf } from '../../shared/domain/errors.ts';
import { UnreachableError } from '../support/exit-codes.ts';

export interface Target {
  url: string;
  headers: Record<string, string>;
}

export type PutOutcome = 'stored' | 'expired' | 'other-bytes' | 'no-such-upload';

/**
 * Sends bytes to the farm's storage by a link that is bound to them.
 * @param what is sent, for the error's sentence
 * @throws UnreachableError when the storage does not answer, or answers otherwise; the signal's reason
 */
export async function putBytes(
  target: Target,
  body: Blob | Uint8Array<ArrayBuffer>,
  what: string,
  signal: AbortSignal,
): Promise<{ outcome: PutOutcome }> {
  let response: Response;
  let answer: string;
  try {
    response = await fetch(target.url, { method: 'PUT', headers: target.headers, body, signal });
    answer = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw new UnreachableError(`The farm's storage did not take ${what} (${messageOf(error)}).`, {
      cause: error,
    });
  }
  if (response.ok) return { outcome: 'stored' };
  if (response.status === 403) return { outcome: 'expired' };
  if (response.status === 400 && answer.includes('BadDigest')) return { outcome: 'other-bytes' };
  if (response.status === 404 && answer.includes('NoSuchUpload')) return { outcome: 'no-such-upload' };
  throw new UnreachableError(
    `The farm's storage did not take ${what} (status ${response.status}: ${answer.slice(0, 300)}).`,
  );
}
