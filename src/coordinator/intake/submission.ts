import type { Ledger } from '../../shared/database/connect.ts';
import type { JobDocument } from '../../shared/contracts/job-document.ts';
import { FarmError, InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { findEqualJob, insertJob } from '../ledger/job-repository.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { decodeDocument, planJob } from './decode-job.ts';
import type { PlannedJob, PlannedStep } from './job-plan.ts';
import type { SceneResolver } from './resolve-scene.ts';
import type { FarmReferences } from './farm-references.ts';

export interface Submitted {
  job: JobSummary;
  existing: boolean;
}

/** Takes job documents, whichever way they came. */
export class Submissions {
  readonly #ledger: Ledger;
  readonly #resolvers: { scenes: SceneResolver; references: FarmReferences };
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #steps: StepInfos;

  constructor(
    parts: {
      scenes: SceneResolver;
      references: FarmReferences;
      announcer: Announcer;
      wakeUps: WakeUps;
      steps: StepInfos;
    },
    ledger: Ledger,
  ) {
    this.#ledger = ledger;
    this.#resolvers = { scenes: parts.scenes, references: parts.references };
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#steps = parts.steps;
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
    if (result.outcome === 'conflict') throw conflict(result.jobId, document);
    if (result.outcome === 'accepted') {
      this.#steps.remember(jobId, result.steps);
      if (plan.waitsForJobs.length > 0 || result.steps.some(mayGoAtOnce)) await this.#settle(jobId);
      this.#wakeUps.feeder.wake();
      if (!result.expanded) this.#wakeUps.expander.wake();
    }
    this.#announcer.announce(result.job.id);
    return { job: result.job, existing: result.outcome === 'existing' };
  }
}

/** It waits for frames that the other step may not have, or for another job, which may be done. */
const mayGoAtOnce = (step: PlannedStep): boolean =>
  step.dependencies.some((needed) => needed.kind === 'frame' || 'job' in needed);

function conflict(
  existing: string,
  { id, idempotencyKey }: Pick<JobDocument, 'id' | 'idempotencyKey'>,
): FarmError {
  const [what, value] = id === existing ? ['id', id] : ['idempotencyKey', idempotencyKey];
  return new FarmError(
    'conflict',
    `There is a job ${existing} with the same ${what} and another document; use a new ${what}, or send the same document.`,
    {
      issues: [{ path: what, value: describeValue(value), expected: `a new ${what}, or the same document` }],
    },
  );
}
