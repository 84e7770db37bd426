import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { Logger } from '../../shared/logging/logger.ts';

const IDLE_MS = 120_000;

/**
 * Sends what comes piece by piece, as fast as the client takes it. What fails after the first byte ends the connection in
 * the middle of the answer, which every client takes for an error; the log says why.
 * @param make the pieces; `signal` is aborted when the client has gone away or something failed
 */
export async function sendStream(
  request: Request,
  response: Response,
  log: Logger,
  make: (signal: AbortSignal) => AsyncIterable<string | Uint8Array>,
): Promise<void> {
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const gone = new AbortController();
  // A client that takes nothing more would hold its place for ever.
  response.setTimeout(IDLE_MS, () => response.destroy());
  // A read that waits for a store is not ended by closing what it would be written to.
  response.once('close', () => gone.abort());
  try {
    await pipeline(Readable.from(make(gone.signal)), response);
  } catch (error) {
    const left = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (left) log.debug({ path: request.path }, 'the client went away before the end of the answer');
    else log.error({ path: request.path, err: error }, 'an answer was broken off in the middle');
  } finally {
    gone.abort();
  }
}
