import { Router } from 'express';
import { z } from 'zod';
import { STREAM_TYPES } from '../../../shared/contracts/events.ts';
import { parseWith } from '../../../shared/contracts/decode.ts';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import type { Access } from '../../auth/access.ts';
import type { EventStreams } from '../../events/event-streams.ts';
import { sinceSchema } from '../../events/stream-start.ts';
import { listOf } from '../list-parameter.ts';
import { readQuery } from '../read-body.ts';

const eventsQuery = z.strictObject({
  since: sinceSchema.optional(),
  types: listOf(STREAM_TYPES),
  job: idSchema.optional(),
});

/** What happens in the farm, for programs. A client that comes back says with `Last-Event-ID` what it has seen. */
export function eventRoutes(events: EventStreams, access: Access): Router {
  const router = Router();
  router.get('/events', async (request, response) => {
    const query = readQuery(request, eventsQuery);
    const seen = request.get('last-event-id');
    const since =
      seen === undefined || seen === ''
        ? query.since
        : parseWith(sinceSchema, seen, 'The header Last-Event-ID');
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    const address = request.socket.remoteAddress ?? '';
    await events.serve(
      { ...query, since },
      { response, recheck: () => void access.authenticate(request.headers, address, request.method) },
    );
  });
  return router;
}
