import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { sliceRuns, type FrameRun } from '../../shared/domain/frame-ranges.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { countFrames, insertFrames } from '../ledger/insert-frames.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';

const SLICE_FRAMES = 50_000;
/** Also how soon a step is gone on with whose coordinator died in the middle. */
const INTERVAL_MS = 2_000;

interface OpenStep {
  key: string;
  job_id: string;
  frame_total: number;
  frames_expanded: number;
  entry_state: FrameState;
  entry_error: string | null;
  runs: FrameRun[];
}

/** Writes the frames of large steps in slices, each a transaction of its own. Any coordinator goes on where one stopped. */
export class Expander {
  readonly #ledger: Ledger;
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #loop: BackgroundLoop;

  constructor(parts: { announcer: Announcer; wakeUps: WakeUps }, ledger: Ledger, log: Logger) {
    this.#ledger = ledger;
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#loop = new BackgroundLoop({
      name: 'expander',
      wakeUp: parts.wakeUps.expander,
      intervalMs: INTERVAL_MS,
      round: () => this.#slice(),
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
    const jobId = await this.#ledger.transaction().execute(async (trx) => {
      // The advisory lock keeps two coordinators off one step without holding up those who dispatch it.
      const { rows } = await sql<OpenStep>`
        SELECT * FROM (
          SELECT key, job_id, frame_total, frames_expanded, entry_state, entry_error, spec->'runs' AS runs FROM steps
          WHERE frames_expanded < frame_total ORDER BY key LIMIT 100
        ) open WHERE pg_try_advisory_xact_lock(key) LIMIT 1`.execute(trx);
      const step = rows[0];
      if (!step) return undefined;
      const count = Math.min(SLICE_FRAMES, step.frame_total - step.frames_expanded);
      const slice = {
        stepKey: step.key,
        state: step.entry_state,
        error: step.entry_error,
        offset: step.frames_expanded,
        count,
        runs: sliceRuns(step.runs, step.frames_expanded, count),
      };
      await insertFrames(trx, slice);
      // Only now: those who dispatch the step's first frames have not had to wait for the rows.
      await lockJobs(trx, [step.job_id]);
      await this.#assertUnchanged(trx, step);
      await countFrames(trx, slice);
      if (step.frames_expanded + count === step.frame_total) await settleJobs(trx, [step.job_id]);
      return step.job_id;
    });
    if (jobId === undefined) return false;
    this.#announcer.announce(jobId, null);
    this.#wakeUps.feeder.wake();
    return true;
  }

  /** What decided in which state the frames come in may have changed while they were written: then once more. */
  async #assertUnchanged(trx: Parameters<typeof lockJobs>[0], before: OpenStep): Promise<void> {
    const { rows } = await sql`SELECT 1 FROM steps WHERE key = ${before.key}
      AND entry_state = ${before.entry_state} AND frames_expanded = ${before.frames_expanded}`.execute(trx);
    if (rows.length === 0) throw new Error(`Step ${before.key} changed while its frames were written`);
  }
}
