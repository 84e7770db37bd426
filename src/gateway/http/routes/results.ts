import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { FarmError } from '../../../shared/domain/errors.ts';
import { fitName } from '../../../shared/domain/file-names.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { manifestCsv, manifestJson } from '../../delivery/manifest-text.ts';
import { readAhead } from '../../delivery/read-ahead.ts';
import { zipArchive } from '../../delivery/zip-writer.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import type { ResultQueries } from '../../ledger/result-queries.ts';
import type { JobResults, ResultReader } from '../../ledger/result-reader.ts';
import { selectionQuery, selectionText } from '../../ledger/result-selection.ts';
import { contentDisposition, type ObjectStore } from '../../storage/object-store.ts';
import { readQuery } from '../read-body.ts';
import { sendStream } from '../send-stream.ts';

const listQuery = z.strictObject({
  ...selectionQuery,
  from: z.coerce.number().int().optional(),
  /** Frames a page; each may have several files. */
  limit: limitSchema(200, 500),
  cursor: cursorSchema,
});

const manifestQuery = z.strictObject({ ...selectionQuery, format: z.enum(['json', 'csv']).default('json') });
const zipQuery = z.strictObject(selectionQuery);

/** Each holds some connections to the store and up to 16 MiB. */
const MOST_ZIPS = 8;

export interface ResultParts {
  results: ResultQueries;
  reader: ResultReader;
  objects: ObjectStore;
  log: Logger;
}

/** A job's files: listed with links, as a manifest, and as one zip. */
export function resultRoutes({ results, reader, objects, log }: ResultParts): Router {
  const router = Router();
  router.get('/jobs/:id/results', async (request, response) => {
    response.json(await results.list({ jobId: request.params.id, ...readQuery(request, listQuery) }));
  });
  router.get('/jobs/:id/results/check', async (request, response) => {
    response.json(await results.check({ jobId: request.params.id, ...readQuery(request, listQuery) }));
  });
  router.get('/jobs/:id/manifest', async (request, response) => {
    const { format, pattern, ...selection } = readQuery(request, manifestQuery);
    const found = await reader.open(request.params.id, selection, pattern);
    response.type(format === 'csv' ? 'text/csv' : 'application/json');
    if (format === 'csv') nameAnswer(response, `${found.job.name} manifest.csv`);
    await sendStream(request, response, log, () => {
      const files = reader.files(found);
      return format === 'csv' ? manifestCsv(files) : manifestJson(found.job, files, new Date());
    });
  });
  let open = 0;
  const sendZip = async (request: Request, response: Response, found: JobResults): Promise<void> => {
    nameAnswer(response.type('application/zip'), `${found.job.name}.zip`);
    const at = found.job.finishedAt ?? new Date();
    await sendStream(request, response, log, (signal) =>
      zipArchive(readAhead(reader.files(found), objects, signal), at),
    );
  };
  router.get('/jobs/:id/zip', async (request, response) => {
    const { pattern, ...selection } = readQuery(request, zipQuery);
    const found = await reader.open(request.params.id, selection, pattern);
    await assertAnyFile(reader, found);
    if (open >= MOST_ZIPS)
      throw new FarmError(
        'unavailable',
        `${MOST_ZIPS} zips are being sent by this gateway; ask again when one is done, or use ./farmhand download.`,
      );
    open++;
    try {
      await sendZip(request, response, found);
    } finally {
      open--;
    }
  });
  return router;
}

function nameAnswer(response: Response, name: string): void {
  response.set('Content-Disposition', contentDisposition(fitName(name.replace(/[/\\]/g, '_'))));
}

/** An empty archive would look like a job without results. @throws FarmError `not-found` */
export async function assertAnyFile(reader: ResultReader, found: JobResults): Promise<void> {
  const first = await reader.files(found).next();
  if (first.done !== true) return;
  const what = selectionText(found.selection);
  throw new FarmError(
    'not-found',
    `Job ${found.job.id} has no finished files${what === '' ? '' : ` for ${what}`}.`,
  );
}
