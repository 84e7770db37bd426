import type { Ledger } from '../../shared/database/connect.ts';
import type { JobDocument } from '../../shared/contracts/job-document.ts';
import { FarmError, InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { findEqualJob, insertJob, type InsertedStep } from '../ledger/job-repository.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { decodeDocument, planJob, type PlanSources } from './decode-job.ts';
import type { PlannedJob, PlannedStep } from './job-plan.ts';

export interface Submitted {
  job: JobSummary;
  existing: boolean;
}

/** A job that was just written, whole and free to begin: nothing about it needs to be asked of the ledger. */
export interface FreshJob {
  job: JobSummary;
  document: JobDocument;
  steps: readonly InsertedStep[];
}

/** Takes job documents, whichever way they came. */
export class Submissions {
  readonly #ledger: Ledger;
  readonly #resolvers: PlanSources;
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #steps: StepInfos;
  #onFresh: (fresh: FreshJob) => boolean = () => false;

  constructor(
    parts: PlanSources & {
      announcer: Announcer;
      wakeUps: WakeUps;
      steps: StepInfos;
    },
    ledger: Ledger,
  ) {
    this.#ledger = ledger;
    this.#resolvers = { scenes: parts.scenes, references: parts.references, quality: parts.quality };
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#steps = parts.steps;
  }

  /** @param listener told of each fresh job; returns whether that is all it needs to know of it */
  onFresh(listener: (fresh: FreshJob) => boolean): void {
    this.#onFresh = listener;
  }

  /** What a new job waits for may be done already, or never have been there. */
  async #settle(jobId: string): Promise<void> {
    await this.#ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, [jobId]);
      await settleJobs(trx, [jobId]);
    });
  }

  /** Checks a document as {@link submit} does, and writes nothing. */
  async check(bytes: Uint8Array): Promise<PlannedJob> {
    return planJob(decodeDocument(bytes), this.#resolvers);
  }

  /**
   * Checks the document and writes the job; when this resolves, the ledger has it.
   * @param source what makes the same message the same job when the document brings neither id nor key: the id to
   *   use (of a stored message, so that a redelivery makes no second job) and the sender's own message id.
   * A document that the ledger has already is not refused for what has changed since, such as a job it waits for that failed.
   * @throws FarmError `invalid`, `too-large`, `conflict`, `unavailable`; errors of Postgres as they are.
   */
  async submit(bytes: Uint8Array, source: { jobId?: string; messageId?: string } = {}): Promise<Submitted> {
    const sent = decodeDocument(bytes);
    const document =
      source.messageId === undefined || sent.id !== undefined || sent.idempotencyKey !== undefined
        ? sent
        : { ...sent, idempotencyKey: `message:${source.messageId}`.slice(0, 200) };
    const jobId = document.id ?? source.jobId ?? newId('j');
    let plan: PlannedJob;
    try {
      plan = await planJob(document, this.#resolvers);
    } catch (error) {
      const job =
        error instanceof InvalidInputError ? await findEqualJob(this.#ledger, jobId, document) : undefined;
      if (!job) throw error;
      return { job, existing: true };
    }
    const result = await insertJob(this.#ledger, jobId, plan);
    if (result.outcome === 'conflict') throw conflict(result, document);
    let known = false;
    if (result.outcome === 'accepted') {
      this.#steps.remember(jobId, result.steps);
      const waits = plan.waitsForJobs.length > 0 || result.steps.some(mayGoAtOnce);
      if (waits) await this.#settle(jobId);
      else if (result.expanded && document.notBefore === undefined)
        known = this.#onFresh({ job: result.job, document, steps: result.steps });
      this.#wakeUps.feeder.wake();
      if (!result.expanded) this.#wakeUps.expander.wake();
    }
    this.#announcer.announce(result.job.id, [], known ? 'known' : 'all');
    return { job: result.job, existing: result.outcome === 'existing' };
  }
}

/** It waits for frames that the other step may not have, or for another job, which may be done. */
const mayGoAtOnce = (step: PlannedStep): boolean =>
  step.dependencies.some((needed) => needed.kind === 'frame' || 'job' in needed);

function conflict(
  { jobId: existing, deleted }: { jobId: string; deleted: boolean },
  { id, idempotencyKey }: Pick<JobDocument, 'id' | 'idempotencyKey'>,
): FarmError {
  const [what, value] = id === existing ? ['id', id] : ['idempotencyKey', idempotencyKey];
  if (deleted)
    return new FarmError(
      'conflict',
      `There was a job ${existing} with the same ${what}; it was deleted, and its ${what} is not used again. Use a new ${what}.`,
      { issues: [{ path: what, value: describeValue(value), expected: `a new ${what}` }] },
    );
  return new FarmError(
    'conflict',
    `There is a job ${existing} with the same ${what} and another document; use a new ${what}, or send the same document.`,
    {
      issues: [{ path: what, value: describeValue(value), expected: `a new ${what}, or the same document` }],
    },
  );
}
