import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { isChosenSweep, type Sweep } from '../../shared/domain/states.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { sweepChosen } from './chosen-sweeps.ts';
import { sweepSlice } from './sweep-frames.ts';

/** Also how soon a sweep is gone on with whose coordinator died, and frames that came back meanwhile are cancelled. */
const INTERVAL_MS = 1_000;
const MOST_PAUSE_MS = 500;
/** Advisory locks of one key are the expander's. */
const LOCK_CLASS = 5;

/**
 * Cancels the frames of large jobs, brings them back, asks for them again or skips them, in slices: each a short
 * transaction, so that nothing else waits for a million rows. A cancelled job has its new state from the first moment. Any coordinator goes on where one stopped.
 */
export class FrameSweeper {
  readonly #ledger: Ledger;
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #loop: BackgroundLoop;

  constructor(parts: { announcer: Announcer; wakeUps: WakeUps }, ledger: Ledger, log: Logger) {
    this.#ledger = ledger;
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#loop = new BackgroundLoop({
      name: 'frame sweeper',
      wakeUp: parts.wakeUps.frameSweeper,
      intervalMs: INTERVAL_MS,
      round: () => this.#slice(),
      // Whoever dispatches the job or takes its results has had to wait, and comes first now.
      restMs: (tookMs) => Math.min(MOST_PAUSE_MS, tookMs),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** @returns whether there was something to do. */
  async #slice(): Promise<boolean> {
    const swept = await this.#ledger.transaction().execute(async (trx) => {
      const { rows } = await sql<{ key: string; job_id: string; sweep: Sweep }>`
        SELECT key, job_id, sweep FROM (
          SELECT s.key, s.job_id, s.sweep FROM steps s
          WHERE s.sweep IS NOT NULL AND (s.sweep <> 'cancel' OR s.waiting + s.ready + s.held > 0 OR s.queued + s.running = 0)
            AND (s.sweep <> 'wait' OR NOT EXISTS (
              SELECT 1 FROM steps u WHERE u.job_id = s.job_id AND u.sweep IN ('retry', 'remake', 'skip')))
          ORDER BY s.key LIMIT 100
        ) open WHERE pg_try_advisory_xact_lock(${LOCK_CLASS}, hashint8(key)) LIMIT 1`.execute(trx);
      const step = rows[0];
      if (!step) return undefined;
      await lockJobs(trx, [step.job_id]);
      // Read before the lock: a verb may have changed it meanwhile.
      const sweep = await sweepOf(trx, step.key);
      if (isChosenSweep(sweep)) await sweepChosen(trx, step.job_id, step.key);
      else if (sweep !== null) await sweepSlice(trx, [step.job_id], [step.key]);
      return { jobId: step.job_id, sweep, ended: (await sweepOf(trx, step.key)) !== sweep };
    });
    if (!swept) return false;
    const comesBack = swept.sweep !== 'cancel' && swept.sweep !== 'hold';
    if (swept.ended) this.#announcer.announce(swept.jobId, null);
    else if (comesBack) this.#announcer.announce(swept.jobId);
    if (comesBack) this.#wakeUps.feeder.wake();
    return true;
  }
}

async function sweepOf(trx: LedgerTransaction, stepKey: string): Promise<Sweep | null> {
  const row = await trx.selectFrom('steps').select('sweep').where('key', '=', stepKey).executeTakeFirst();
  return row?.sweep ?? null;
}
