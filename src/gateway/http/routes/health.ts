import { Router } from 'express';
import { checkHealth, type HealthCheck } from '../../../shared/telemetry/health.ts';

/** For probes, without a token: `/livez` says that the event loop turns, `/readyz` whether the farm can be used. */
export function healthRoutes(checks: Readonly<Record<string, HealthCheck>>): Router {
  const router = Router();
  router.get('/livez', (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ ok: true, checks: {} });
  });
  router.get('/readyz', async (_request, response) => {
    const health = await checkHealth(checks);
    response
      .status(health.ok ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json(health);
  });
  return router;
}
