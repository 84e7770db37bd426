import { sql } from 'kysely';
import {
  LEVEL_LETTERS,
  NO_LEVEL,
  OTHER_WORKER,
  WORKER_LETTERS,
  type JobLevels,
  type LevelKind,
} from '../../shared/contracts/job-views.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { MAX_GRID_FRAMES } from './grid-size.ts';

/** What each frame took or who made it, a letter a frame: two passes over a job's frames. */
export class LevelQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async of(jobId: string, of: LevelKind): Promise<JobLevels> {
    if (of === 'worker') {
      const workers = await this.#workers(jobId);
      const letters = sql`COALESCE(substr(${WORKER_LETTERS}, array_position(${workers}::text[], f.worker), 1), ${OTHER_WORKER})`;
      const steps = await this.#steps(jobId, sql`f.worker IS NOT NULL AND ${ATTENDED}`, letters);
      return { of, lowest: null, highest: null, workers, steps };
    }
    const column = of === 'seconds' ? sql`f.seconds::float8` : sql`f.peak_memory_bytes::float8`;
    const { lowest, highest } = await this.#span(jobId, column);
    const levels = sql.lit(LEVEL_LETTERS.length);
    // Each level is as many times the one before: most jobs have a few frames that take a hundred times longer.
    const level = sql`LEAST(${levels}, 1 + floor(${levels} * ln(GREATEST(${column}, ${MINIMUM}) / GREATEST(${lowest}::float8, ${MINIMUM}))
      / GREATEST(ln(GREATEST(${highest}::float8, ${MINIMUM}) / GREATEST(${lowest}::float8, ${MINIMUM})), 1e-9)))::int`;
    const steps = await this.#steps(
      jobId,
      sql`f.state = 'done' AND ${column} IS NOT NULL`,
      sql`substr(${LEVEL_LETTERS}, ${level}, 1)`,
    );
    return { of, lowest, highest, workers: [], steps };
  }

  async #span(jobId: string, column: ReturnType<typeof sql>) {
    const { rows } = await sql<{ lowest: number | null; highest: number | null }>`
      SELECT min(${column}) AS lowest, max(${column}) AS highest
      FROM steps s JOIN frames f ON f.step_key = s.key
      WHERE s.job_id = ${jobId} AND f.state = 'done'`.execute(this.#ledger);
    return rows[0] ?? { lowest: null, highest: null };
  }

  /** Those who did most first. */
  async #workers(jobId: string): Promise<string[]> {
    const { rows } = await sql<{ worker: string }>`
      SELECT f.worker FROM steps s JOIN frames f ON f.step_key = s.key
      WHERE s.job_id = ${jobId} AND f.worker IS NOT NULL AND ${ATTENDED}
      GROUP BY f.worker ORDER BY count(*) DESC, f.worker LIMIT ${sql.lit(WORKER_LETTERS.length)}`.execute(
      this.#ledger,
    );
    return rows.map(({ worker }) => worker);
  }

  async #steps(jobId: string, known: ReturnType<typeof sql>, letter: ReturnType<typeof sql>) {
    const { rows } = await sql<JobLevels['steps'][number]>`
      SELECT s.name AS step, COALESCE((
        SELECT string_agg(CASE WHEN ${known} THEN ${letter} ELSE ${sql.lit(NO_LEVEL)} END, '' ORDER BY f.position)
        FROM frames f WHERE f.step_key = s.key
      ), '') AS levels
      FROM steps s WHERE s.job_id = ${jobId} AND s.frame_total <= ${sql.lit(MAX_GRID_FRAMES)}
      ORDER BY s.position`.execute(this.#ledger);
    return rows;
  }
}

/** A worker is or was at it, and what it did still counts. */
const ATTENDED = sql`f.state IN ('done', 'running', 'failed', 'held')`;
/** Seconds or bytes that are told apart from nothing. */
const MINIMUM = sql.lit(0.001);
