import type { Ledger } from '../../shared/database/connect.ts';
import type { JobDocument } from '../../shared/contracts/job-document.ts';
import { FarmError, describeValue } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { insertJob } from '../ledger/job-repository.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { decodeDocument, planJob } from './decode-job.ts';
import type { PlannedJob } from './job-plan.ts';
import type { SceneResolver } from './resolve-scene.ts';

export interface Submitted {
  job: JobSummary;
  existing: boolean;
}

/** Takes job documents, whichever way they came. */
export class Submissions {
  readonly #ledger: Ledger;
  readonly #scenes: SceneResolver;
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #steps: StepInfos;

  constructor(
    parts: { scenes: SceneResolver; announcer: Announcer; wakeUps: WakeUps; steps: StepInfos },
    ledger: Ledger,
  ) {
    this.#ledger = ledger;
    this.#scenes = parts.scenes;
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#steps = parts.steps;
  }

  /** Checks a document as {@link submit} does, and writes nothing. */
  async check(bytes: Uint8Array): Promise<PlannedJob> {
    return planJob(decodeDocument(bytes), this.#scenes);
  }

  /**
   * Checks the document and writes the job; when this resolves, the ledger has it.
   * @param source what makes the same message the same job when the document brings neither id nor key: the id to
   *   use (of a stored message, so that a redelivery makes no second job) and the sender's own message id.
   * @throws FarmError `invalid`, `too-large`, `conflict`, `unavailable`; errors of Postgres as they are.
   */
  async submit(bytes: Uint8Array, source: { jobId?: string; messageId?: string } = {}): Promise<Submitted> {
    const sent = decodeDocument(bytes);
    const document =
      source.messageId === undefined || sent.id !== undefined || sent.idempotencyKey !== undefined
        ? sent
        : { ...sent, idempotencyKey: `message:${source.messageId}`.slice(0, 200) };
    const plan = await planJob(document, this.#scenes);
    const jobId = document.id ?? source.jobId ?? newId('j');
    const result = await insertJob(this.#ledger, jobId, plan);
    if (result.outcome === 'conflict') throw conflict(result.jobId, document);
    if (result.outcome === 'accepted') {
      this.#steps.remember(jobId, result.steps);
      this.#wakeUps.feeder.wake();
      if (!result.expanded) this.#wakeUps.expander.wake();
    }
    this.#announcer.announce(result.job.id);
    return { job: result.job, existing: result.outcome === 'existing' };
  }
}

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
