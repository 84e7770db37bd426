import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { errors as natsErrors } from '@nats-io/nats-core';
import { TOO_LONG } from '../ledger/too-long.ts';
import { FarmError, messageOf, type ErrorCode } from '../../shared/domain/errors.ts';
import type { Problem } from '../../shared/contracts/api.ts';
import type { Logger } from '../../shared/logging/logger.ts';

const STATUS: Record<ErrorCode, number> = {
  invalid: 400,
  unauthorized: 401,
  refused: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  internal: 500,
  unavailable: 503,
};

/** An error whose HTTP status says more than its code does, e.g. 421 or 429. */
export class HttpError extends FarmError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message);
    this.name = 'HttpError';
    this.status = status;
    this.headers = headers;
  }
}

export const unknownRoute: RequestHandler = (request) => {
  throw new FarmError('not-found', `There is nothing at ${request.method} ${request.path.slice(0, 200)}.`);
};

/** The one place where errors become answers: RFC 9457 problem documents. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response: Response, next) => {
    const known = toFarmError(error);
    const status = known instanceof HttpError ? known.status : STATUS[known.code];
    const asked = { method: request.method, path: request.path };
    if (status === 503) log.warn({ ...asked, error: messageOf(error) }, known.message);
    else if (status >= 500) log.error({ ...asked, err: error }, 'request failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    if (known instanceof HttpError) response.set(known.headers);
    if (status === 401) response.set('WWW-Authenticate', 'Bearer');
    const problem: Problem = {
      type: `urn:farmhand:error:${known.code}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail: known.message,
      code: known.code,
      ...(known.issues.length > 0 ? { errors: [...known.issues] } : {}),
    };
    response
      .status(status)
      .set('Cache-Control', 'no-store')
      .type('application/problem+json')
      .send(JSON.stringify(problem));
  };
}

function toFarmError(error: unknown): FarmError {
  if (error instanceof FarmError) return error;
  const away = whichServerIsAway(error);
  if (away !== undefined)
    return new FarmError('unavailable', `${away} does not answer at the moment; try again.`, {
      cause: error,
    });
  return (
    bodyError(error) ??
    dataError(error) ??
    timeError(error) ??
    new FarmError('internal', 'Something went wrong in the farm; its log says what.')
  );
}

/** What PostgreSQL cannot take as a value: class 22 of its codes, such as a NUL in a text or a year before the first. */
function dataError(error: unknown): FarmError | undefined {
  if (!(error instanceof Error) || !('code' in error) || !/^22...$/.test(String(error.code)))
    return undefined;
  return new FarmError('invalid', `The ledger cannot take a value of this request: ${error.message}.`, {
    cause: error,
  });
}

/** PostgreSQL ends a statement that takes longer than it was given: code 57014. */
function timeError(error: unknown): FarmError | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '57014') return undefined;
  return new FarmError('invalid', TOO_LONG, { cause: error });
}

/** Errors that Express and its body parser make of a request. */
function bodyError(error: unknown): FarmError | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (status === 413) {
    const limit = 'limit' in error && typeof error.limit === 'number' ? error.limit : undefined;
    return new FarmError(
      'too-large',
      `The request's body is too large${limit === undefined ? '' : `; at most ${limit} bytes are taken`}.`,
    );
  }
  return new HttpError(status, 'invalid', `The request cannot be read: ${messageOf(error)}.`);
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** PostgreSQL: connection exceptions (class 08), no room for another one (53), a server that stops or starts (57P0x). */
const LEDGER_AWAY_CODE = /^(08...|53...|57P..)$/;
const LEDGER_AWAY =
  /^(timeout exceeded when trying to connect|Connection terminated)|not currently accepting connections/;

/** The SDK's errors tell whether an answer came at all, and which. */
function isObjectStoreAway(error: Error): boolean {
  if (!('$metadata' in error)) return false;
  const { httpStatusCode } = error.$metadata as { httpStatusCode?: number };
  return httpStatusCode === undefined || httpStatusCode >= 500;
}

function whichServerIsAway(error: unknown): string | undefined {
  if (
    error instanceof natsErrors.TimeoutError ||
    error instanceof natsErrors.NoRespondersError ||
    error instanceof natsErrors.ConnectionError ||
    error instanceof natsErrors.ClosedConnectionError
  )
    return 'NATS';
  if (!(error instanceof Error)) return undefined;
  if (error instanceof JetStreamApiError || error instanceof JetStreamError) return 'NATS JetStream';
  if (isObjectStoreAway(error)) return 'The object store';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (LEDGER_AWAY_CODE.test(code) || LEDGER_AWAY.test(error.message)) return 'The ledger';
  // Errors of NATS and of the object store were told by their classes, so that this is PostgreSQL's socket.
  return CONNECTION_CODES.has(code) ? 'The ledger' : undefined;
}
