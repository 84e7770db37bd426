import { Router, type Response } from 'express';
import { z } from 'zod';
import { idSchema } from '../../../shared/contracts/job-document.ts';
import { VERDICTS } from '../../../shared/contracts/quality.ts';
import { FarmError } from '../../../shared/domain/errors.ts';
import { MAX_FRAME_NUMBER } from '../../../shared/domain/frame-ranges.ts';
import { isOwnThumbnail } from '../../../shared/domain/own-thumbnail.ts';
import { FRAME_STATES } from '../../../shared/domain/states.ts';
import { previewKey } from '../../../shared/storage/keys.ts';
import type { FrameImage, FrameQueries } from '../../ledger/frame-queries.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { parseWith } from '../../../shared/contracts/decode.ts';
import { cursorSchema, limitSchema } from '../../ledger/cursor.ts';
import { listOf } from '../list-parameter.ts';
import { readQuery } from '../read-body.ts';

const listQuery = z.strictObject({
  state: listOf(FRAME_STATES),
  verdict: listOf(VERDICTS),
  step: idSchema.optional(),
  from: z.coerce.number().int().min(-MAX_FRAME_NUMBER).max(MAX_FRAME_NUMBER).optional(),
  limit: limitSchema(200, 1_000),
  cursor: cursorSchema,
});

const frameParams = z.object({
  id: idSchema,
  step: idSchema,
  frame: z
    .string()
    .regex(/^-?\d{1,9}$/, 'a frame number')
    .transform(Number),
});

/** A picture may be asked for with its generation, `?g=2`, so that it can be kept until there is a newer one. */
const imageQuery = z.strictObject({ g: z.coerce.number().int().min(1).optional() });

/** Shorter than the link in the answer holds. */
const KEEP_SECONDS = 240;
/** A list of jobs is not asked for all of its pictures each time that it is scrolled. */
const KEEP_JOB_PICTURE_SECONDS = 60;

export function frameRoutes(frames: FrameQueries, jobs: JobQueries, objects: ObjectStore): Router {
  const router = Router();
  router.get('/jobs/:id/frames', async (request, response) => {
    const { state, verdict, ...query } = readQuery(request, listQuery);
    const jobId = request.params.id;
    const page = await frames.list({ ...query, jobId, states: state, verdicts: verdict });
    if (page.frames.length === 0) await jobs.assertExists(jobId);
    response.json(page);
  });

  router.get('/jobs/:id/frames/:step/:frame/image', async (request, response) => {
    const { id, step, frame } = parseWith(frameParams, request.params, 'The address');
    const { generation, objectKey } = await frames.image(id, step, frame);
    if (objectKey === null) throw noPicture(id, step, frame);
    const { g } = readQuery(request, imageQuery);
    redirect(response, await objects.signDownload(objectKey), g === generation);
  });

  router.get('/jobs/:id/frames/:step/:frame/thumbnail', async (request, response) => {
    const { id, step, frame } = parseWith(frameParams, request.params, 'The address');
    const image = await frames.image(id, step, frame);
    const { g } = readQuery(request, imageQuery);
    const key = await thumbnailOf(objects, { jobId: id, step, frame }, image);
    if (key === undefined) throw noPicture(id, step, frame);
    redirect(response, await objects.signDownload(key), g === image.generation);
  });

  router.get('/jobs/:id/thumbnail', async (request, response) => {
    const jobId = request.params.id;
    const picture = await frames.somePicture(jobId);
    const key = picture && (await thumbnailOf(objects, { jobId, ...picture }, picture));
    response.set('Cache-Control', `private, max-age=${KEEP_JOB_PICTURE_SECONDS}`);
    // A job without pictures is nothing unusual.
    if (key === undefined) response.status(204).end();
    else response.redirect(302, await objects.signDownload(key));
  });
  return router;
}

/** The key of a frame's small picture; undefined: it has none (yet). */
async function thumbnailOf(
  objects: ObjectStore,
  place: { jobId: string; step: string; frame: number },
  { generation, objectKey, bytes }: FrameImage,
): Promise<string | undefined> {
  if (objectKey !== null && isOwnThumbnail(objectKey, bytes)) return objectKey;
  const key = previewKey({ jobId: place.jobId, step: place.step, frame: place.frame, generation });
  return (await objects.size(key)) === undefined ? undefined : key;
}

function redirect(response: Response, url: string, keep: boolean): void {
  response.set('Cache-Control', keep ? `private, max-age=${KEEP_SECONDS}` : 'private, no-cache');
  response.redirect(302, url);
}

function noPicture(jobId: string, step: string, frame: number): FarmError {
  return new FarmError('not-found', `Frame ${frame} of step ${step} of job ${jobId} has no picture (yet).`);
}
