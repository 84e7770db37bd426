import { Router } from 'express';
import { z } from 'zod';
import { parseWith } from '../../../shared/contracts/decode.ts';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import { PREVIEW_KINDS } from '../../../shared/contracts/messages.ts';
import { FarmError } from '../../../shared/domain/errors.ts';
import type { PreviewWishes } from '../../ledger/preview-wishes.ts';
import { readQuery } from '../read-body.ts';

const params = z.object({ id: idSchema, step: idSchema });
/** `redirect=true`: straight to what was made last, for a `<video>` or `curl -L`. */
const query = z.strictObject({ redirect: z.enum(['true', 'false']).optional() });

export function previewRoutes(previews: PreviewWishes): Router {
  const router = Router();
  for (const kind of PREVIEW_KINDS)
    router.get(`/jobs/:id/steps/:step/${kind}`, async (request, response) => {
      const { id, step } = parseWith(params, request.params, 'The address');
      const { redirect } = readQuery(request, query);
      const preview = await previews.ask(id, step, kind);
      response.set('Cache-Control', 'private, no-cache');
      if (redirect !== 'true') response.json(preview);
      else if (preview.url !== null) response.redirect(302, preview.url);
      else
        throw new FarmError(
          'not-found',
          `Step ${step} of job ${id} has no ${kind} yet: ${preview.reason ?? 'it is being made; ask again in some seconds'}`,
        );
    });
  return router;
}
