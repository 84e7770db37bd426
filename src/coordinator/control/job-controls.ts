import type { JobControl } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { applyControl } from './apply-control.ts';
import { refusedInBin } from '../retention/bin-verbs.ts';
import { readControlledJob, refused, type ControlOutcome } from './control-context.ts';
import type { Resubmissions } from './resubmit.ts';

/** What a repeated request is answered with, and told workers, again. */
type Remembered = Pick<ControlOutcome, 'figures' | 'jobId' | 'workers' | 'changed' | 'errors'>;

/** Carries out what people ask of jobs: each request once, recorded with who asked and when. */
export class JobControls {
  readonly #ledger: Ledger;
  readonly #infos: StepInfos;
  readonly #resubmissions: Resubmissions;

  constructor(parts: { infos: StepInfos; resubmissions: Resubmissions }, ledger: Ledger) {
    this.#infos = parts.infos;
    this.#resubmissions = parts.resubmissions;
    this.#ledger = ledger;
  }

  /** @throws Errors of Postgres; the request may be sent again as it is. */
  async apply(jobId: string, control: JobControl): Promise<ControlOutcome> {
    if (control.verb === 'resubmit') return this.#resubmit(jobId, control);
    const { verb } = control;
    return this.#ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, [jobId]);
      const found = await readControlledJob(trx, jobId);
      if (!found) return refused(`There is no job ${jobId}.`);
      const before = await answeredBefore(trx, jobId, control);
      if (before) return before;
      const outcome =
        refusedInBin(found.job, verb) ??
        (await applyControl(verb, { trx, infos: this.#infos, control, ...found }));
      if (control.dryRun !== true) await record(trx, jobId, control, outcome);
      return outcome;
    });
  }

  /** Takes no lock while the document is checked: the new job's id follows from the request. */
  async #resubmit(jobId: string, control: JobControl): Promise<ControlOutcome> {
    const before = await answeredBefore(this.#ledger, jobId, control);
    if (before) return before;
    try {
      const outcome = await this.#resubmissions.resubmit(jobId, control);
      const exists = outcome.ok || (await isThere(this.#ledger, jobId));
      if (control.dryRun !== true && exists) await record(this.#ledger, jobId, control, outcome);
      return outcome;
    } catch (error) {
      // Not recorded: the same request may be sent again when the store answers.
      if (error instanceof FarmError && error.code === 'unavailable') return refused(error.message);
      throw error;
    }
  }
}

async function isThere(ledger: Ledger, jobId: string): Promise<boolean> {
  const row = await ledger.selectFrom('jobs').select('id').where('id', '=', jobId).executeTakeFirst();
  return row !== undefined;
}

/**
 * The same request again, perhaps because the process died between the commit and what follows it: the answer is the
 * same, and workers are told again, which does no harm.
 */
async function answeredBefore(
  ledger: Ledger | LedgerTransaction,
  jobId: string,
  control: JobControl,
): Promise<ControlOutcome | undefined> {
  if (control.dryRun) return undefined;
  const row = await ledger
    .selectFrom('job_events')
    .select(['ok', 'message', 'outcome'])
    .where('job_id', '=', jobId)
    .where('request_id', '=', control.requestId)
    .executeTakeFirst();
  if (!row) return undefined;
  return { changed: row.ok, ...(row.outcome as Remembered | null), ok: row.ok, message: row.message };
}

/** Why somebody decided so stands in the history with the decision. */
const withNote = (message: string, { verb, note }: JobControl): string =>
  note === undefined || verb === 'note' ? message : `${message} Note: ${note}`;

async function record(
  ledger: Ledger | LedgerTransaction,
  jobId: string,
  control: JobControl,
  outcome: ControlOutcome,
): Promise<void> {
  const { figures, jobId: newJob, workers, changed, errors } = outcome;
  await ledger
    .insertInto('job_events')
    .values({
      job_id: jobId,
      request_id: control.requestId,
      kind: control.verb,
      actor: control.by ?? 'unknown',
      message: withNote(outcome.message, control),
      ok: outcome.ok,
      outcome: JSON.stringify({ figures, jobId: newJob, workers, changed, errors }),
    })
    // Two coordinators may have taken the same resubmission: they made the same job.
    .onConflict((conflict) =>
      conflict.columns(['job_id', 'request_id']).where('request_id', 'is not', null).doNothing(),
    )
    .execute();
}
