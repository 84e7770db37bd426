import { sql } from 'kysely';
import type { JobPace } from '../../shared/contracts/job-views.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { taskOfAttempt } from '../../shared/domain/ids.ts';

/** When something was last written about a task; undefined: nothing is there any more. */
type LastWritten = (jobId: string, taskId: string) => Promise<Date | undefined>;

/** A frame is called stuck when it takes so many times what its peers took, and this long at least. */
const TIMES_MEDIAN = 4;
const STUCK_SECONDS = 30;
const MOST_STUCK = 20;
/** As many of the newest attempts tell how fast frames come. */
const RECENT_ATTEMPTS = 200;
const MOST_RUNNING = 1_000;

/** How fast a job's frames came lately: what an estimate of its end, and the word "stuck", are made of. */
export class PaceQueries {
  readonly #ledger: Ledger;
  readonly #lastWritten: LastWritten;

  constructor(ledger: Ledger, lastWritten: LastWritten) {
    this.#ledger = ledger;
    this.#lastWritten = lastWritten;
  }

  async of(jobId: string): Promise<JobPace> {
    const [steps, running] = await Promise.all([this.#steps(jobId), this.#running(jobId)]);
    const medians = new Map(steps.map(({ step, median }) => [step, median]));
    const slow = running
      .map((task) => ({ ...task, median: medians.get(task.step) ?? Infinity }))
      .filter(({ seconds, median }) => seconds > Math.max(STUCK_SECONDS, TIMES_MEDIAN * median))
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, MOST_STUCK);
    const stuck = await Promise.all(
      slow.map(async ({ now, ...task }) => {
        const written = await this.#lastWritten(jobId, taskOfAttempt(task.attempt));
        const silentSeconds = written ? Math.max(0, (now.getTime() - written.getTime()) / 1_000) : null;
        return { ...task, silentSeconds };
      }),
    );
    return { running: running.length, steps, stuck };
  }

  async #steps(jobId: string): Promise<JobPace['steps']> {
    const { rows } = await sql<JobPace['steps'][number] & { quantiles: [number, number, number] }>`
      SELECT s.name AS step, count(*)::int AS sample,
        percentile_cont(ARRAY[0.25, 0.5, 0.9]) WITHIN GROUP (ORDER BY f.seconds) AS quantiles
      FROM (
        SELECT id, task_key FROM attempts WHERE job_id = ${jobId} ORDER BY started_at DESC LIMIT ${sql.lit(RECENT_ATTEMPTS)}
      ) a
      JOIN tasks t ON t.key = a.task_key
      JOIN steps s ON s.key = t.step_key
      JOIN frames f ON f.step_key = t.step_key AND f.number = ANY(t.frames)
      WHERE f.attempt = a.id AND f.state = 'done' AND f.seconds IS NOT NULL
      GROUP BY s.position, s.name ORDER BY s.position`.execute(this.#ledger);
    return rows.map(({ step, sample, quantiles: [quick, median, slow] }) => ({
      step,
      sample,
      quick,
      median,
      slow,
    }));
  }

  /** What each running task is at, and for how long: what its earlier frames took is subtracted. */
  async #running(jobId: string) {
    const { rows } = await sql<{
      step: string;
      frame: number | null;
      attempt: string;
      worker: string;
      seconds: number;
      now: Date;
    }>`
      SELECT s.name AS step, a.id AS attempt, a.worker, now() AS now, (
          SELECT f.number FROM unnest(t.frames) WITH ORDINALITY AS u (number, place)
          JOIN frames f ON f.step_key = t.step_key AND f.number = u.number
          WHERE f.state = 'running' ORDER BY u.place LIMIT 1
        ) AS frame,
        extract(epoch FROM now() - a.started_at)::float8 - COALESCE((
          SELECT sum(f.seconds) FROM frames f
          WHERE f.step_key = t.step_key AND f.number = ANY(t.frames) AND f.attempt = a.id
        ), 0)::float8 AS seconds
      FROM tasks t JOIN attempts a ON a.id = t.attempt JOIN steps s ON s.key = t.step_key
      WHERE t.job_id = ${jobId} AND t.state = 'running' AND a.ended_at IS NULL
      LIMIT ${sql.lit(MOST_RUNNING)}`.execute(this.#ledger);
    return rows;
  }
}
