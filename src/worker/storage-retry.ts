import { FarmError, messageOf } from '../shared/domain/errors.ts';
import { backOffMs, pause } from '../shared/lifecycle/retry.ts';
import type { Logger } from '../shared/logging/logger.ts';
import type { Problems } from './reporting/problems.ts';
import { TransferLimit } from './transfer-limit.ts';

const PROBLEM = 'storage';

/** Tries a transfer until it succeeds or nobody wants it any more, and says on the worker's heartbeats that it has to. */
export class StorageRetry {
  readonly #problems: Problems;
  readonly #log: Logger;

  constructor(problems: Problems, log: Logger) {
    this.#problems = problems;
    this.#log = log;
  }

  /**
   * @param what is done, for the log
   * @param bytes that are sent, which a slow line is given time for
   * @throws FarmError `not-found`, or `refused` by the work itself; an error of this machine's disk; the signal's reason
   */
  async untilItWorks<T>(
    what: string,
    signal: AbortSignal,
    work: (limit: TransferLimit) => Promise<T>,
    bytes = 0,
  ): Promise<T> {
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      try {
        const result = await withLimit(new TransferLimit(signal, bytes), work);
        this.#problems.clear(PROBLEM);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (isMissing(error))
          throw new FarmError('not-found', `There is no object for "${what}".`, { cause: error });
        if (isLocal(error) || isRefused(error)) throw error;
        this.#log.warn(
          { what, tries: tries + 1, reason: messageOf(error) },
          'the storage did not do it; trying again',
        );
        this.#problems.set(PROBLEM, `The storage does not answer as it should: ${messageOf(error)}`);
        await pause(backOffMs(tries, 200, 10_000), signal);
      }
    }
  }
}

async function withLimit<T>(limit: TransferLimit, work: (limit: TransferLimit) => Promise<T>): Promise<T> {
  try {
    return await work(limit);
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    limit.dispose();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

/** What is there is not what was asked for, and will not become it. */
export function isRefused(error: unknown): boolean {
  return error instanceof FarmError && error.code === 'refused';
}

const LOCAL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EMFILE', 'ENOENT', 'EIO']);

/** A trouble of this machine's disk, which no waiting for the storage ends. */
function isLocal(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && LOCAL_CODES.has(code) && syscall !== 'connect';
}
