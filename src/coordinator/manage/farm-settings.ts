import { sql } from 'kysely';
import type { ManageReply, ManageRequest } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { putEngine, removeEngine } from '../engines/engine-verbs.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { setRetention } from '../retention/set-retention.ts';
import type { Managed } from './managed.ts';
import { putRoot, removeRoot } from './root-verbs.ts';
import { setEngineVersion, setGuarantee, setLimit, setShare } from './setting-verbs.ts';
import { drainWorkers, giveBackWorkers, pauseWorkers, resumeWorkers, setTimetables } from './worker-verbs.ts';

const TOLD_AGAIN_SECONDS = 60;

/** The answer, and what is to be told and looked at anew after the commit. */
export interface ManageOutcome {
  reply: ManageReply;
  /** Workers whose orders may have changed. */
  workers: readonly string[];
  control?: NonNullable<Managed['control']>;
}

/** Carries out what wranglers set: each request once, recorded with who asked and when. */
export class FarmSettings {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * @throws FarmError `invalid`, `not-found`, `conflict`: nothing was written. Errors of Postgres: the same request may be
   * sent again as it is.
   */
  async apply(request: ManageRequest): Promise<ManageOutcome> {
    return this.#ledger.transaction().execute(async (trx) => {
      // Wranglers are few: one at a time, so that the same request cannot run twice beside itself.
      await sql`SELECT pg_advisory_xact_lock(hashtext('farmhand.manage'))`.execute(trx);
      const before = request.dryRun === true ? undefined : await answeredBefore(trx, request.requestId);
      if (before !== undefined) return repeated(request, before);
      const managed = await plan(trx, request);
      if (request.dryRun === true)
        return { reply: { ok: true, message: managed.would, dryRun: true }, workers: [] };
      if (managed.changed) {
        await managed.write(trx);
        await record(trx, request, managed);
      }
      return {
        reply: { ok: true, message: managed.did },
        workers: 'workers' in request ? managed.subjects : [],
        ...(managed.control === undefined ? {} : { control: managed.control }),
      };
    });
  }
}

function plan(trx: LedgerTransaction, request: ManageRequest): Promise<Managed> {
  switch (request.verb) {
    case 'worker-pause':
      return pauseWorkers(trx, request);
    case 'worker-resume':
      return resumeWorkers(trx, request);
    case 'worker-drain':
      return drainWorkers(trx, request);
    case 'worker-give-back':
      return giveBackWorkers(trx, request);
    case 'worker-timetable':
      return setTimetables(trx, request);
    case 'limit':
      return setLimit(trx, request);
    case 'share':
      return setShare(trx, request);
    case 'guarantee':
      return setGuarantee(trx, request);
    case 'engine-version':
      return setEngineVersion(trx, request);
    case 'retention':
      return setRetention(trx, request);
    case 'put-engine':
      return putEngine(trx, request);
    case 'remove-engine':
      return removeEngine(trx, request);
    case 'put-root':
      return putRoot(trx, request);
    case 'remove-root':
      return removeRoot(trx, request);
  }
}

interface Answered {
  message: string;
  lately: boolean;
}

async function answeredBefore(trx: LedgerTransaction, requestId: string): Promise<Answered | undefined> {
  const { rows } = await sql<Answered>`
    SELECT message, at > now() - make_interval(secs => ${TOLD_AGAIN_SECONDS}) AS lately FROM farm_events
    WHERE request_id = ${requestId}`.execute(trx);
  return rows[0];
}

/**
 * The same request again, perhaps because the process died between the commit and what follows it: the answer is the same,
 * and workers are told again; but not later, when a worker of that name may have begun anew.
 */
function repeated(request: ManageRequest, { message, lately }: Answered): ManageOutcome {
  const reply = { ok: true, message };
  if (!('workers' in request)) return { reply, workers: [] };
  const type = CONTROLS[request.verb];
  return { reply, workers: request.workers, ...(lately && type !== undefined ? { control: { type } } : {}) };
}

const CONTROLS: Partial<Record<ManageRequest['verb'], NonNullable<Managed['control']>['type']>> = {
  'worker-drain': 'drain',
  'worker-give-back': 'give-back',
};

/** One row for each worker or setting; the first one carries the request's id. */
async function record(trx: LedgerTransaction, request: ManageRequest, managed: Managed): Promise<void> {
  const { verb, by = 'unknown', requestId } = request;
  await sql`INSERT INTO farm_events (request_id, verb, subject, actor, message)
    SELECT CASE WHEN ordinality = 1 THEN ${requestId}::text END, ${verb}, subject, ${by}, ${managed.did}
    FROM unnest(${[...managed.subjects]}::text[]) WITH ORDINALITY AS asked(subject, ordinality)
    ORDER BY ordinality`.execute(trx);
}
