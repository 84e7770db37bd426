import { Router } from 'express';
import { sessionRequestSchema } from '../../../shared/contracts/api.ts';
import type { Access } from '../../auth/access.ts';
import { readBody, rawBody } from '../read-body.ts';

const MAX_BODY_BYTES = 4_096;

/** The page turns the token in its address into a cookie that scripts cannot read. */
export function sessionRoutes(access: Access): Router {
  const router = Router();
  const cookieOptions = { httpOnly: true, sameSite: 'strict', path: '/' } as const;
  router.post('/session', rawBody(MAX_BODY_BYTES), (request, response) => {
    const { token } = readBody(request, sessionRequestSchema, MAX_BODY_BYTES);
    const value = access.openSession(request.headers, request.socket.remoteAddress ?? '', token);
    response
      .cookie(access.cookieName, value, { ...cookieOptions, secure: request.secure })
      .set('Cache-Control', 'no-store')
      .status(204)
      .end();
  });
  router.delete('/session', (_request, response) => {
    response.clearCookie(access.cookieName, cookieOptions).set('Cache-Control', 'no-store').status(204).end();
  });
  return router;
}
