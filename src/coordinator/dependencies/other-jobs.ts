import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import { WakeUp, type WakeUps } from '../runtime/wake-ups.ts';

/** What other coordinators took in is seen so late at most. */
const EVERY_MS = 1_000;
/** Between two rounds lies at least this, and so much of the last round's own time: a busy job is not looked at all the time. */
const LEAST_GAP_MS = 20;
const GAP_ROUNDS = 9;
const LONGEST_GAP_MS = 5_000;

interface WaitingJob {
  id: string;
  /** Changes with whatever it waits for. */
  progress: string;
  /** The jobs that it waits for. */
  needs: string[];
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
  readonly #wakeUp = new WakeUp();
  /** What was looked at already, by job. */
  #seen = new Map<string, string>();
  #waitedFor = new Set<string>();

  constructor(parts: { announcer: Announcer; wakeUps: WakeUps }, ledger: Ledger, log: Logger) {
    this.#ledger = ledger;
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#loop = new BackgroundLoop({
      name: 'jobs that wait for jobs',
      wakeUp: this.#wakeUp,
      intervalMs: EVERY_MS,
      round: () => this.#round(),
      restMs: (tookMs) => Math.min(LONGEST_GAP_MS, Math.max(LEAST_GAP_MS, GAP_ROUNDS * tookMs)),
      log,
    });
    parts.announcer.onChange((jobId) => {
      if (this.#waitedFor.has(jobId)) this.#wakeUp.wake();
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
    this.#waitedFor = new Set(waiting.flatMap(({ needs }) => needs));
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
    WITH waiting AS MATERIALIZED (
      SELECT DISTINCT job_id AS id FROM steps WHERE state IN ('queued', 'running', 'paused', 'held')
        AND (waiting > 0 OR (entry_state = 'waiting' AND frames_expanded < frame_total))
    )
    SELECT w.id, needed.progress, needed.needs FROM waiting w CROSS JOIN LATERAL (
      SELECT string_agg(n.progress, ',' ORDER BY n.key) AS progress, array_agg(DISTINCT n.job_id) AS needs FROM (
        SELECT j.id AS key, j.id AS job_id, j.state::text AS progress
        FROM job_dependencies d JOIN jobs j ON j.id = d.depends_on WHERE d.job_id = w.id
        UNION ALL
        SELECT concat_ws('/', s.key, u.key), u.job_id, concat_ws('/', u.state, u.done + u.skipped, u.frames_expanded)
        FROM steps s JOIN step_dependencies d ON d.step_key = s.key JOIN steps u ON u.key = d.depends_on
        WHERE s.job_id = w.id AND u.job_id <> s.job_id
      ) n
    ) needed WHERE needed.needs IS NOT NULL`.execute(ledger);
  return rows;
}
