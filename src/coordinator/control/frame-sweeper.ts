import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Sweep } from '../../shared/domain/states.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { sweepSlice } from './sweep-frames.ts';

/** Also how soon a sweep is gone on with whose coordinator died, and frames that came back meanwhile are cancelled. */
const INTERVAL_MS = 1_000;
const MOST_PAUSE_MS = 500;
/** Advisory locks of one key are the expander's. */
const LOCK_CLASS = 5;

/**
 * Cancels the frames of large jobs, or brings them back, in slices: each a short transaction, so that nothing else waits
 * for a million rows. The job has its new state from the first moment. Any coordinator goes on where one stopped.
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
          SELECT key, job_id, sweep FROM steps
          WHERE sweep IS NOT NULL AND (sweep <> 'cancel' OR waiting + ready + held > 0 OR queued + running = 0)
          ORDER BY key LIMIT 100
        ) open WHERE pg_try_advisory_xact_lock(${LOCK_CLASS}, hashint8(key)) LIMIT 1`.execute(trx);
      const step = rows[0];
      if (!step) return undefined;
      await lockJobs(trx, [step.job_id]);
      await sweepSlice(trx, step.job_id, [step.key]);
      const { rows: still } =
        await sql`SELECT 1 FROM steps WHERE key = ${step.key} AND sweep IS NOT NULL`.execute(trx);
      return { ...step, ended: still.length === 0 };
    });
    if (!swept) return false;
    const comesBack = swept.sweep === 'revive' || swept.sweep === 'let-go';
    if (swept.ended) this.#announcer.announce(swept.job_id, null);
    else if (comesBack) this.#announcer.announce(swept.job_id);
    if (comesBack) this.#wakeUps.feeder.wake();
    return true;
  }
}
