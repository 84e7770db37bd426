import { createHash } from 'node:crypto';
import type { Ledger } from '../../shared/database/connect.ts';
import type { JobControl } from '../../shared/contracts/messages.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isDataError } from '../ledger/data-error.ts';
import type { Submissions } from '../intake/submission.ts';
import { did, refused, would, type ControlOutcome } from './control-context.ts';
import { setPaths } from './set-paths.ts';

/** Submits a job's document once more, with changes, as a new job. It passes the same checks as any other. */
export class Resubmissions {
  readonly #submissions: Submissions;
  readonly #ledger: Ledger;

  constructor(submissions: Submissions, ledger: Ledger) {
    this.#submissions = submissions;
    this.#ledger = ledger;
  }

  /**
   * The same request gives the same new job.
   * @throws FarmError `unavailable` when Postgres or S3 does not answer.
   */
  async resubmit(jobId: string, control: JobControl): Promise<ControlOutcome> {
    const row = await this.#ledger
      .selectFrom('jobs')
      .select(['document', 'erased_at'])
      .where('id', '=', jobId)
      .executeTakeFirst();
    if (!row) return refused(`There is no job ${jobId}.`);
    if (row.erased_at) return refused(`Job ${jobId} was deleted, and its document with it.`);
    try {
      // Of both a job has one: they say which submission it was.
      const document = { ...row.document, id: undefined, idempotencyKey: undefined };
      const changed = setPaths(document, control.set ?? {});
      return await this.#submit(jobId, control, Buffer.from(JSON.stringify(changed)));
    } catch (error) {
      if (error instanceof FarmError && error.code !== 'unavailable')
        return refused(error.message, error.issues);
      if (isDataError(error)) return refused('The ledger cannot store this document.');
      throw error;
    }
  }

  async #submit(jobId: string, control: JobControl, bytes: Buffer): Promise<ControlOutcome> {
    const plan = await this.#submissions.check(bytes);
    const figures = {
      steps: plan.steps.length,
      frames: plan.steps.reduce((sum, step) => sum + step.frameTotal, 0),
    };
    if (control.dryRun) return would({ control }, figures);
    const submitted = await this.#submissions.submit(bytes, { jobId: newJobId(jobId, control.requestId) });
    const newJob = submitted.job.id;
    if (!submitted.existing)
      await this.#ledger
        .insertInto('job_events')
        .values({
          job_id: newJob,
          request_id: null,
          kind: 'resubmit',
          actor: control.by ?? 'unknown',
          message: `Submitted again from job ${jobId}.`,
          outcome: null,
        })
        .execute();
    const outcome = did({ control }, figures, { jobId: newJob });
    return { ...outcome, message: `${outcome.message} Its id is ${newJob}.` };
  }
}

/** Always the same for a request: done twice, it is one job. */
const newJobId = (jobId: string, requestId: string): string =>
  `j${createHash('sha256').update(`${jobId}/${requestId}`).digest('hex').slice(0, 20)}`;
