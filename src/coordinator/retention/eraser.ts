import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { jobPrefixes } from '../../shared/storage/keys.ts';
import { NotLeaderError, type LeaderLease } from '../dispatch/leader-lease.ts';
import { eraseRows } from './erase-rows.ts';
import { neededBy } from './needed-by.ts';

/**
 * A job is in the bin for so long at least, also one that is to go at once: a job that was being submitted while it was
 * deleted, and needs its results, is seen by then.
 */
const LEAST_IN_BIN_SECONDS = 30;
/** After a failure another job has its turn. */
const REST_MS = 60_000;

export interface EraserOptions {
  leastInBinSeconds: number;
  restMs: number;
}

/**
 * Removes what is left of jobs whose time in the bin is over: their objects, then their rows, a slice at a time. It goes on
 * where it was stopped: `erasing` says that a job has begun to go, and what is gone already is not found again.
 */
export class Eraser {
  readonly #lease: Pick<LeaderLease, 'fence'>;
  readonly #bucket: Bucket;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #options: EraserOptions;
  /** Until when a job is left alone, by `performance.now()`. */
  readonly #resting = new Map<string, number>();
  #current: { jobId: string; after: Map<string, number> } | undefined;

  constructor(
    parts: { lease: Pick<LeaderLease, 'fence'>; bucket: Bucket },
    ledger: Ledger,
    log: Logger,
    options: Partial<EraserOptions> = {},
  ) {
    this.#lease = parts.lease;
    this.#bucket = parts.bucket;
    this.#ledger = ledger;
    this.#log = log;
    this.#options = { leastInBinSeconds: LEAST_IN_BIN_SECONDS, restMs: REST_MS, ...options };
  }

  /** @returns whether there may be more to do at once. */
  async slice(): Promise<boolean> {
    const job = await this.#next();
    if (!job) return false;
    try {
      if (!job.erasing && !(await this.#begin(job.id))) return true;
      if (await this.#removeObjects(job.id)) return true;
      await this.#removeRows(job.id);
    } catch (error) {
      if (error instanceof NotLeaderError) throw error;
      await this.#rest(job.id, messageOf(error));
    }
    return true;
  }

  async #next(): Promise<{ id: string; erasing: boolean } | undefined> {
    const now = performance.now();
    for (const [id, until] of this.#resting) if (until <= now) this.#resting.delete(id);
    const { rows } = await sql<{ id: string; erasing: boolean }>`
      SELECT id, erasing FROM jobs
      WHERE erase_at <= now() AND erased_at IS NULL AND id <> ALL(${[...this.#resting.keys()]})
        AND binned_at <= now() - make_interval(secs => ${this.#options.leastInBinSeconds})
      ORDER BY erase_at LIMIT 1`.execute(this.#ledger);
    return rows[0];
  }

  /**
   * The last look before anything is removed. The job's row is locked so that nobody can begin to wait for it meanwhile.
   * @returns false when it has to stay for now.
   */
  async #begin(jobId: string): Promise<boolean> {
    const reason = await this.#ledger.transaction().execute(async (trx) => {
      await this.#lease.fence(trx, []);
      const { rows } = await sql<{ due: boolean; ended: boolean }>`
        SELECT binned_at IS NOT NULL AND erase_at <= now() AND NOT kept AS due,
          state IN ('completed', 'failed', 'cancelled') AND NOT EXISTS (
            SELECT 1 FROM steps s WHERE s.job_id = jobs.id
              AND (s.sweep IS NOT NULL OR s.judge_due > 0 OR s.queued + s.running > 0 OR s.frames_expanded < s.frame_total)
          ) AS ended
        FROM jobs WHERE id = ${jobId} FOR UPDATE`.execute(trx);
      const [job] = rows;
      if (!job?.due) return 'It was taken out of the bin.';
      if (!job.ended) return 'Its last frames are still being ended.';
      const [needed] = await neededBy(trx, [jobId]);
      if (needed) return `${needed.by} still needs its results.`;
      await trx.updateTable('jobs').set({ erasing: true }).where('id', '=', jobId).execute();
      return undefined;
    });
    if (reason === undefined) return true;
    await this.#rest(jobId, reason);
    return false;
  }

  /** One page of the job's objects. @returns whether there were any; throws when some could not be removed. */
  async #removeObjects(jobId: string): Promise<boolean> {
    for (const prefix of jobPrefixes(jobId)) {
      const objects = await this.#bucket.list(prefix, null);
      if (objects.length === 0) continue;
      const [first, ...others] = await this.#bucket.remove(objects.map(({ key }) => key));
      if (first)
        throw new Error(
          `${others.length + 1} objects could not be removed, such as ${first.key}: ${first.message}`,
        );
      return true;
    }
    return false;
  }

  async #removeRows(jobId: string): Promise<void> {
    if (this.#current?.jobId !== jobId) this.#current = { jobId, after: new Map() };
    const { after } = this.#current;
    const more = await this.#ledger.transaction().execute(async (trx) => {
      await this.#lease.fence(trx, [jobId]);
      return eraseRows(trx, jobId, after);
    });
    if (more) return;
    this.#current = undefined;
    this.#log.info({ jobId }, 'a deleted job was erased');
  }

  async #rest(jobId: string, reason: string): Promise<void> {
    this.#resting.set(jobId, performance.now() + this.#options.restMs);
    this.#log.warn({ jobId, error: reason }, 'a deleted job stays for now');
    await this.#ledger
      .updateTable('jobs')
      .set({ erase_error: reason.slice(0, 1_000) })
      .where('id', '=', jobId)
      .where('binned_at', 'is not', null)
      .execute();
  }
}
