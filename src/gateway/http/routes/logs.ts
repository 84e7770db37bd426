import { Router } from 'express';
import { z } from 'zod';
import { ATTEMPT_ID_PATTERN } from '../../../shared/domain/ids.ts';
import type { AttemptQueries } from '../../ledger/attempt-queries.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { LogReader } from '../../storage/log-reader.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { lineFinder, searchLog } from '../../storage/log-search.ts';
import { contentDisposition } from '../../storage/object-store.ts';
import { readQuery } from '../read-body.ts';
import { sendStream } from '../send-stream.ts';

const query = z.strictObject({
  attempt: z.string().regex(ATTEMPT_ID_PATTERN, 'an attempt id').optional(),
  /** Bytes of UTF-8. */
  offset: z.coerce.number().int().min(0).default(0),
  /** The piece that ends at this byte. */
  before: z.coerce.number().int().min(1).optional(),
  /** The last piece. */
  tail: z.stringbool().optional(),
  limit: limitSchema(200, 1_000),
  cursor: cursorSchema,
});

export interface LogParts {
  attempts: AttemptQueries;
  logs: LogReader;
  jobs: JobQueries;
  log: Logger;
}

const attemptId = query.shape.attempt.unwrap();
const fileQuery = z.strictObject({ attempt: attemptId });
const searchQuery = z.strictObject({
  attempt: attemptId,
  text: z.string().min(1).max(500),
  /** Capitals matter. */
  case: z.stringbool().default(false),
  /** `text` is a regular expression, in RE2's syntax. */
  regex: z.stringbool().default(false),
});

/** Without `attempt` the list of attempts, with it a piece of that attempt's log. */
export function logRoutes({ attempts, logs, jobs, log }: LogParts): Router {
  const router = Router();
  router.get('/jobs/:id/logs', async (request, response) => {
    const { attempt, offset, before, tail, limit, cursor } = readQuery(request, query);
    const jobId = request.params.id;
    if (attempt !== undefined) {
      response.json(
        tail === true || before !== undefined
          ? await logs.readBefore(jobId, attempt, before)
          : await logs.read(jobId, attempt, offset),
      );
      return;
    }
    await jobs.assertExists(jobId);
    response.json(await attempts.list(jobId, limit, cursor));
  });
  router.get('/jobs/:id/log-file', async (request, response) => {
    const { attempt } = readQuery(request, fileQuery);
    const text = await logs.whole(request.params.id, attempt);
    response.type('text/plain').set('Content-Disposition', contentDisposition(`${attempt}.log`));
    await sendStream(request, response, log, () => text);
  });
  router.get('/jobs/:id/log-search', async (request, response) => {
    const { attempt, ...wanted } = readQuery(request, searchQuery);
    const finder = lineFinder(wanted);
    response.json(await searchLog(await logs.whole(request.params.id, attempt), finder));
  });
  return router;
}
