import { Router } from 'express';
import { z } from 'zod';
import { LEVEL_KINDS } from '../../../shared/contracts/job-views.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { LevelQueries } from '../../ledger/level-queries.ts';
import type { PaceQueries } from '../../ledger/pace-queries.ts';
import type { TimelineQueries } from '../../ledger/timeline-queries.ts';
import { readQuery } from '../read-body.ts';

const levelsQuery = z.strictObject({ of: z.enum(LEVEL_KINDS) });
const time = z.iso.datetime({ offset: true }).optional();
const timelineQuery = z.strictObject({ from: time, to: time });

export interface JobViewParts {
  jobs: JobQueries;
  levels: LevelQueries;
  pace: PaceQueries;
  timeline: TimelineQueries;
}

/** What pictures of a job are drawn from. */
export function jobViewRoutes({ jobs, levels, pace, timeline }: JobViewParts): Router {
  const router = Router();
  router.get('/jobs/:id/levels', async (request, response) => {
    const { of } = readQuery(request, levelsQuery);
    await jobs.assertExists(request.params.id);
    response.json(await levels.of(request.params.id, of));
  });
  router.get('/jobs/:id/timeline', async (request, response) => {
    const span = readQuery(request, timelineQuery);
    await jobs.assertExists(request.params.id);
    response.json(await timeline.of(request.params.id, span));
  });
  router.get('/jobs/:id/pace', async (request, response) => {
    await jobs.assertExists(request.params.id);
    response.json(await pace.of(request.params.id));
  });
  return router;
}
