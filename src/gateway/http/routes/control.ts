import { Router } from 'express';
import { controlBodySchema, type ControlBody, type ControlReply } from '../../../shared/contracts/api.ts';
import type { JobControl } from '../../../shared/contracts/messages.ts';
import { FarmError, InvalidInputError } from '../../../shared/domain/errors.ts';
import { newId } from '../../../shared/domain/new-id.ts';
import type { JobQueries } from '../../ledger/job-queries.ts';
import type { JobController } from '../../messaging/job-controller.ts';
import { callerOf } from '../access-middleware.ts';
import { rawBody, readBody } from '../read-body.ts';

const VERBS: readonly JobControl['verb'][] = ['pause', 'resume', 'cancel', 'retry', 'priority'];
const MAX_BODY_BYTES = 100_000;

/** `POST /api/jobs/:id/<verb>`: 200 with the outcome, 409 when it was refused, 202 when it was not told in time. */
export function controlRoutes(jobs: JobQueries, controller: JobController): Router {
  const router = Router();
  for (const verb of VERBS) {
    router.post(`/jobs/:id/${verb}`, rawBody(MAX_BODY_BYTES), async (request, response) => {
      const jobId = String(request.params['id']);
      const body = readBody(request, controlBodySchema, MAX_BODY_BYTES);
      assertFits(verb, body);
      await jobs.assertExists(jobId);
      const requestId = body.requestId ?? newId('r');
      const outcome = await controller.control(jobId, { ...body, requestId, verb, by: callerOf(response) });
      if (outcome?.ok === false) throw new FarmError('conflict', outcome.message);
      const reply: ControlReply = outcome ?? {
        requestId,
        ok: true,
        message: 'The farm has stored the request and will carry it out; what came of it shows in the job.',
      };
      response.status(outcome ? 200 : 202).json(reply);
    });
  }
  return router;
}

function assertFits(verb: JobControl['verb'], body: ControlBody): void {
  const issues = [];
  if (verb === 'priority' && body.priority === undefined)
    issues.push({ path: 'priority', value: 'nothing', expected: 'a whole number from 0 to 100' });
  if (verb !== 'priority' && body.priority !== undefined)
    issues.push({
      path: 'priority',
      value: String(body.priority),
      expected: 'nothing: only priority takes it',
    });
  for (const field of ['frames', 'step'] as const) {
    if (verb !== 'retry' && body[field] !== undefined)
      issues.push({
        path: field,
        value: JSON.stringify(body[field]),
        expected: 'nothing: only retry takes it',
      });
  }
  if (issues.length > 0) throw new InvalidInputError("The request's body", issues);
}
