import { Router } from 'express';
import type { Farm } from '../../../shared/contracts/api.ts';

export function farmRoutes(version: string): Router {
  const router = Router();
  router.get('/farm', (request, response) => {
    const farm: Farm = {
      name: 'Farmhand',
      version,
      dashboard: `${request.protocol}://${request.get('host') ?? ''}/`,
    };
    response.json(farm);
  });
  return router;
}
