import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { WakeUp } from '../runtime/wake-ups.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';

const EVERY_MS = 1_000;

interface WaitingJob {
  id: string;
  /** Grows or changes with whatever it waits for. */
  progress: string;
}

/**
 * Lets go what waits for other jobs. In transactions of its own: whoever finishes a frame of one job holds that job's lock, and
 * must not take another job's. Any coordinator does it, and doing it twice changes nothing.
 */
export class OtherJobs {
  readonly #ledger: Ledger;
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #loop: BackgroundLoop;
  /** What was looked at already, by job. */
  #seen = new Map<string, string>();

  constructor(parts: { announcer: Announcer; wakeUps: WakeUps }, ledger: Ledger, log: Logger) {
    this.#ledger = ledger;
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#loop = new BackgroundLoop({
      name: 'jobs that wait for jobs',
      wakeUp: new WakeUp(),
      intervalMs: EVERY_MS,
      round: () => this.#round(),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #round(): Promise<void> {
    const waiting = await readWaiting(this.#ledger);
    const seen = new Map<string, string>();
    for (const { id, progress } of waiting) {
      if (this.#seen.get(id) !== progress) await this.#settle(id);
      seen.set(id, progress);
    }
    this.#seen = seen;
  }

  async #settle(id: string): Promise<void> {
    const changed = await this.#ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, [id]);
      return settleJobs(trx, [id]);
    });
    if (changed.size === 0) return;
    this.#announcer.announce(id, null);
    this.#wakeUps.feeder.wake();
    this.#wakeUps.expander.wake();
  }
}

/** Open jobs with waiting frames that wait for something of another job. */
async function readWaiting(ledger: Ledger): Promise<WaitingJob[]> {
  const { rows } = await sql<WaitingJob>`
    SELECT j.id, concat_ws(' ', w.jobs, w.steps) AS progress
    FROM jobs j CROSS JOIN LATERAL (
      SELECT
        (SELECT string_agg(n.state::text, ',' ORDER BY n.id) FROM job_dependencies d JOIN jobs n ON n.id = d.depends_on
          WHERE d.job_id = j.id) AS jobs,
        (SELECT string_agg(concat(u.state, u.done + u.skipped, '/', u.frames_expanded), ',' ORDER BY s.key, u.key)
          FROM steps s JOIN step_dependencies d ON d.step_key = s.key JOIN steps u ON u.key = d.depends_on
          WHERE s.job_id = j.id AND u.job_id <> s.job_id) AS steps
    ) w
    WHERE j.state IN ('queued', 'running', 'paused', 'held') AND (w.jobs IS NOT NULL OR w.steps IS NOT NULL)
      AND EXISTS (SELECT 1 FROM steps s WHERE s.job_id = j.id AND (s.waiting > 0 OR s.entry_state = 'waiting'))`.execute(
    ledger,
  );
  return rows;
}
