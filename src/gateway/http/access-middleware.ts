import type { RequestHandler, Response } from 'express';
import type { Access } from '../auth/access.ts';
import type { CallerKind } from '../auth/credentials.ts';

export function checkHost(access: Access): RequestHandler {
  return (request, _response, next) => {
    access.assertHost(request.headers);
    next();
  };
}

export function requireCaller(access: Access): RequestHandler {
  return (request, response, next) => {
    response.locals['caller'] = access.authenticate(
      request.headers,
      request.socket.remoteAddress ?? '',
      request.method,
    );
    // What a person may see belongs into no shared cache.
    response.set('Cache-Control', 'private, no-store');
    next();
  };
}

/** Who asked, for a job's history. Only behind {@link requireCaller}. */
export function callerOf(response: Response): CallerKind {
  return response.locals['caller'] as CallerKind;
}
