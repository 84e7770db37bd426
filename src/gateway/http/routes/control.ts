import { Router } from 'express';
import {
  MAX_CONTROLLED_JOBS,
  controlBodySchema,
  controlManyBodySchema,
  type ControlBody,
  type ControlManyBody,
  type ControlReply,
} from '../../../shared/contracts/api.ts';
import { controlFieldIssues } from '../../../shared/contracts/control-fields.ts';
import {
  JOB_VERBS,
  jobControlSchema,
  type JobControl,
  type JobVerb,
} from '../../../shared/contracts/messages.ts';
import { FarmError, InvalidInputError, describeValue } from '../../../shared/domain/errors.ts';
import { newId } from '../../../shared/domain/new-id.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import { combineOutcomes } from '../../messaging/combine-outcomes.ts';
import type { JobController, ToldOutcome } from '../../messaging/job-controller.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody } from '../read-body.ts';

const MAX_BODY_BYTES = 1_000_000;

/**
 * `POST /api/jobs/:id/<verb>`: 200 with the outcome, 400 or 409 when it was refused, 202 when it was not told in time.
 * `POST /api/jobs/control`: the same for several jobs, with one sentence for all.
 */
export function controlRoutes(jobs: JobQueries, controller: JobController): Router {
  const router = Router();
  router.post('/jobs/control', rawBody(MAX_BODY_BYTES), async (request, response) => {
    const body = readBody(request, controlManyBodySchema, MAX_BODY_BYTES);
    // Without `ids` and `filter`, which are not the coordinators'.
    const control = jobControlSchema.strip().parse({
      by: callerOf(response),
      ...body,
      requestId: body.requestId ?? newId('r'),
    });
    assertFits(control.verb, control);
    const jobIds = await jobsAskedFor(jobs, body);
    const outcomes =
      jobIds.length === 0 ? new Map<string, ToldOutcome>() : await controller.controlMany(jobIds, control);
    const reply = combineOutcomes(control, jobIds, outcomes);
    response.status(reply.jobs.every((job) => job.told) ? 200 : 202).json(reply);
  });
  for (const verb of JOB_VERBS) {
    router.post(`/jobs/:id/${verb}`, rawBody(MAX_BODY_BYTES), async (request, response) => {
      const jobId = String(request.params['id']);
      const body = readBody(request, controlBodySchema, MAX_BODY_BYTES);
      assertFits(verb, body);
      await jobs.assertExists(jobId);
      const requestId = body.requestId ?? newId('r');
      const outcome = await controller.control(jobId, { by: callerOf(response), ...body, requestId, verb });
      if (outcome?.ok === false)
        throw new FarmError(outcome.errors.length > 0 ? 'invalid' : 'conflict', outcome.message, {
          issues: outcome.errors,
        });
      const reply = outcome ? toReply(outcome) : stored(requestId);
      response.status(outcome ? 200 : 202).json(reply);
    });
  }
  return router;
}

function toReply({ requestId, ok, message, changed, dryRun, figures, jobId }: ToldOutcome): ControlReply {
  return { requestId, ok, message, changed, dryRun, figures, jobId };
}

const stored = (requestId: string): ControlReply => ({
  requestId,
  ok: true,
  message: 'The farm has stored the request and will carry it out; what came of it shows in the job.',
});

/** @throws InvalidInputError for fields of other verbs, and those that are missing */
function assertFits(verb: JobVerb, body: ControlBody | JobControl): void {
  const issues = controlFieldIssues(verb, body);
  if (issues.length > 0) throw new InvalidInputError("The request's body", issues);
}

/** @throws InvalidInputError when it names jobs in both ways or in neither, or the filter finds too many */
async function jobsAskedFor(jobs: JobQueries, { ids, filter }: ControlManyBody): Promise<string[]> {
  const what = "The request's body";
  if ((ids === undefined) === (filter === undefined))
    throw new InvalidInputError(what, [
      {
        path: 'ids',
        value: describeValue(ids),
        expected: 'either "ids" or "filter": the jobs that it is about',
      },
    ]);
  if (ids !== undefined) return [...new Set(ids)];
  const found = await jobs.idsOf(filter ?? {}, MAX_CONTROLLED_JOBS + 1);
  if (found.length > MAX_CONTROLLED_JOBS)
    throw new InvalidInputError(what, [
      {
        path: 'filter',
        value: describeValue(filter),
        expected: `a filter that finds at most ${MAX_CONTROLLED_JOBS.toLocaleString('en')} jobs`,
      },
    ]);
  return found;
}
