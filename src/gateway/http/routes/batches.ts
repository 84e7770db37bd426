import { once } from 'node:events';
import { Router } from 'express';
import { z } from 'zod';
import { MAX_KEPT_REFUSALS, batchDocumentSchema } from '../../../shared/contracts/batch.ts';
import { csvLine } from '../../../shared/domain/csv-text.ts';
import { assertId } from '../../../shared/domain/ids.ts';
import type { BatchQueries } from '../../ledger/batch-queries.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import type { BatchClient } from '../../messaging/batch-client.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody, readQuery } from '../read-body.ts';

/** A batch's document is small: its rows lie in a file. */
const MAX_BODY_BYTES = 262_144;
const listQuery = z.strictObject({ limit: limitSchema(50, 200), cursor: cursorSchema });
const ROWS_A_PAGE = 1_000;
const resultsQuery = z.strictObject({ limit: limitSchema(200, ROWS_A_PAGE), cursor: cursorSchema });
const getQuery = z.strictObject({
  refused: z.coerce.number().int().min(0).max(MAX_KEPT_REFUSALS).default(100),
});

export function batchRoutes(batches: BatchQueries, client: BatchClient): Router {
  const router = Router();
  router.use('/batches/:id', (request, _response, next) => {
    assertId(request.params.id, 'The batch id');
    next();
  });
  router.post('/batches', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const document = readBody(request, batchDocumentSchema, MAX_BODY_BYTES);
    const submission = await client.ask({ verb: 'submit', document });
    response
      .status(submission.existing ? 200 : 201)
      .location(`/api/batches/${submission.batch.id}`)
      .json(submission);
  });
  router.get('/batches', async (request, response) => {
    const { limit, cursor } = readQuery(request, listQuery);
    response.json(await batches.list(limit, cursor));
  });
  router.get('/batches/:id', async (request, response) => {
    response.json(await batches.get(request.params.id, readQuery(request, getQuery).refused));
  });
  router.post('/batches/:id/cancel', async (request, response) => {
    response.json(await client.ask({ verb: 'cancel', id: request.params.id, by: callerOf(response) }));
  });
  router.get('/batches/:id/results', async (request, response) => {
    const { limit, cursor } = readQuery(request, resultsQuery);
    await batches.get(request.params.id, 0);
    response.json(await batches.results(request.params.id, limit, cursor));
  });
  router.get('/batches/:id/results.csv', async (request, response) => {
    const { id } = request.params;
    await batches.get(id, 0);
    response.type('text/csv').attachment(`${id}.csv`);
    response.write(csvLine(['row', 'name', 'state', 'job', 'files', 'error']));
    let cursor: string | undefined;
    do {
      const { rows, next } = await batches.results(id, ROWS_A_PAGE, cursor);
      const lines = rows.map(({ row, name, state, jobId, files, error }) =>
        csvLine([row, name, state, jobId, files, error]),
      );
      const taken = response.write(lines.join(''));
      if (!taken) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      cursor = next ?? undefined;
    } while (cursor !== undefined && !response.destroyed);
    response.end();
  });
  return router;
}
