import { sql, type QueryResult, type RawBuilder } from 'kysely';
import {
  OPEN_JOB_STATES,
  type EngineQueue,
  type FarmSums,
  type LatestImage,
  type Overview,
} from '../../shared/contracts/overview-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { hasPictures } from '../../shared/domain/preview-plan.ts';
import type { CountedJob } from '../overview/frame-meter.ts';

const IMAGES = 24;
const MAX_ENGINES = 50;
const OPEN = sql.raw(OPEN_JOB_STATES.map((state) => `'${state}'`).join(', '));

/** A frame that a worker says it is rendering. */
export interface RenderedFrame {
  taskKey: string;
  frame: number;
}

/** What the ledger knows of such a frame. */
export interface KnownFrame extends RenderedFrame {
  job: string;
  name: string;
  step: string;
  medianSeconds: number | null;
}

/**
 * The whole farm in sums. Counts are kept on steps, so that only jobs that are open are looked at, and no frame of them is;
 * what has ended costs nothing, except for the last day's jobs and the last pictures.
 */
export class OverviewQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Open jobs and their frames. */
  async open(): Promise<Pick<FarmSums, 'jobs' | 'frames' | 'engines'>> {
    const [jobs, engines] = await Promise.all([
      sql<{ state: keyof FarmSums['jobs']; count: number }>`
        SELECT state, count(*)::int AS count FROM jobs WHERE state IN (${OPEN}) GROUP BY state`.execute(
        this.#ledger,
      ),
      sql<EngineQueue & FarmSums['frames']>`
        SELECT s.engine, count(DISTINCT j.id) FILTER (WHERE NOT j.paused AND s.ready + s.queued > 0)::int AS "waitingJobs",
          COALESCE(sum(s.ready) FILTER (WHERE NOT j.paused), 0)::float8 AS ready,
          sum(s.queued)::float8 AS queued, sum(s.running)::float8 AS running, sum(s.failed)::float8 AS failed,
          sum(s.held)::float8 AS held, sum(s.waiting)::float8 AS waiting
        FROM jobs j JOIN steps s ON s.job_id = j.id WHERE j.state IN (${OPEN})
        GROUP BY s.engine ORDER BY ready DESC, s.engine`.execute(this.#ledger),
    ]);
    const sum = (name: keyof FarmSums['frames']): number =>
      engines.rows.reduce((total, row) => total + row[name], 0);
    return {
      jobs: { queued: 0, running: 0, paused: 0, held: 0, ...byState(jobs.rows) },
      frames: { failed: sum('failed'), held: sum('held'), waiting: sum('waiting') },
      engines: engines.rows
        .filter((row) => row.waitingJobs + row.ready + row.queued + row.running > 0)
        .slice(0, MAX_ENGINES)
        .map(({ engine, waitingJobs, ready, queued, running }) => ({
          engine,
          waitingJobs,
          ready,
          queued,
          running,
        })),
    };
  }

  /** Jobs that have begun and not ended, and those that ended within the last seconds. */
  async counted(endedSeconds: number): Promise<{ nowMs: number; jobs: CountedJob[] }> {
    const { rows } = await this.#byIndex(sql<{ now: number; jobs: CountedJob[] | null }>`
      SELECT (EXTRACT(epoch FROM now()) * 1000)::float8 AS now, json_agg(json_build_object('id', c.id, 'done', c.done,
        'startedAtMs', (EXTRACT(epoch FROM c.started_at) * 1000)::float8)) AS jobs
      FROM (
        SELECT j.id, j.started_at, (SELECT sum(done)::int FROM steps WHERE job_id = j.id) AS done
        FROM jobs j WHERE j.state IN (${OPEN}) AND j.started_at IS NOT NULL
        UNION ALL
        SELECT j.id, j.started_at, (SELECT sum(done)::int FROM steps WHERE job_id = j.id)
        FROM jobs j WHERE j.finished_at > now() - make_interval(secs => ${endedSeconds}::float8)
          AND j.state NOT IN (${OPEN}) AND j.started_at IS NOT NULL
      ) c`);
    const [row] = rows;
    return { nowMs: row?.now ?? 0, jobs: row?.jobs ?? [] };
  }

  /** Jobs that ended in the last 24 hours. */
  async ended(): Promise<Overview['ended']> {
    const { rows } = await this.#byIndex(sql<{ state: keyof Overview['ended']; count: number }>`
      SELECT state, count(*)::int AS count FROM jobs
      WHERE finished_at > now() - interval '24 hours' AND state NOT IN (${OPEN}) GROUP BY state`);
    return { completed: 0, failed: 0, cancelled: 0, ...byState(rows) };
  }

  /** Of the attempts that brought frames last: a job whose tasks are many does not push the others out. */
  async images(): Promise<LatestImage[]> {
    const { rows } = await this.#byIndex(sql<LatestImage & { format: string | null }>`
      WITH candidate AS (
        (SELECT id, name FROM jobs WHERE state IN (${OPEN}) AND started_at IS NOT NULL AND binned_at IS NULL
          ORDER BY started_at DESC LIMIT 12)
        UNION ALL
        (SELECT id, name FROM jobs WHERE finished_at IS NOT NULL AND binned_at IS NULL AND state NOT IN (${OPEN})
          ORDER BY finished_at DESC LIMIT 16)
      )
      SELECT c.id AS job, c.name, s.name AS step, f.number AS frame, f.generation, s.spec->'output'->>'format' AS format
      FROM candidate c
      CROSS JOIN LATERAL (
        SELECT task_key, frames_done, started_at, ended_at FROM attempts WHERE job_id = c.id ORDER BY started_at DESC LIMIT 12
      ) a
      JOIN tasks t ON t.key = a.task_key
      JOIN steps s ON s.key = t.step_key
      CROSS JOIN LATERAL unnest(t.frames[greatest(1, a.frames_done - 1) : a.frames_done]) AS n (number)
      JOIN frames f ON f.step_key = t.step_key AND f.number = n.number
      WHERE a.frames_done > 0 AND f.state = 'done' AND f.object_key IS NOT NULL
      ORDER BY COALESCE(a.ended_at, now()) DESC, a.started_at DESC, f.position DESC LIMIT ${4 * IMAGES}`);
    const seen = new Set<string>();
    return rows
      .filter(({ format }) => format !== null && hasPictures(format))
      .filter(({ job, step, frame }) => {
        const key = `${job}/${step}/${frame}`;
        return !seen.has(key) && seen.add(key);
      })
      .slice(0, IMAGES)
      .map(({ job, name, step, frame, generation }) => ({ job, name, step, frame, generation }));
  }

  /** Where frames under way belong, and what a hundred before and behind each took in the middle. */
  async known(frames: readonly RenderedFrame[]): Promise<KnownFrame[]> {
    if (frames.length === 0) return [];
    const { rows } = await this.#byIndex(sql<KnownFrame>`
      SELECT w.key::text AS "taskKey", w.number AS frame, j.id AS job, j.name, s.name AS step, near.median AS "medianSeconds"
      FROM unnest(${frames.map(({ taskKey }) => taskKey)}::bigint[], ${frames.map(({ frame }) => frame)}::int[]) AS w (key, number)
      JOIN tasks t ON t.key = w.key JOIN steps s ON s.key = t.step_key JOIN jobs j ON j.id = t.job_id
      CROSS JOIN LATERAL (
        SELECT CASE WHEN count(*) >= 3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY n.seconds) END AS median FROM (
          (SELECT state, seconds FROM frames WHERE step_key = s.key AND number < w.number ORDER BY number DESC LIMIT 100)
          UNION ALL
          (SELECT state, seconds FROM frames WHERE step_key = s.key AND number > w.number ORDER BY number LIMIT 100)
        ) n WHERE n.state = 'done' AND n.seconds IS NOT NULL
      ) near`);
    return rows;
  }

  /** Without statistics Postgres would rather read and sort everything than walk along an index and stop. */
  #byIndex<T>(statement: RawBuilder<T>): Promise<QueryResult<T>> {
    return this.#ledger.transaction().execute(async (trx) => {
      for (const way of ['enable_sort', 'enable_bitmapscan', 'enable_seqscan'])
        await sql`SET LOCAL ${sql.raw(way)} = off`.execute(trx);
      return statement.execute(trx);
    });
  }
}

const byState = <S extends string>(
  rows: readonly { state: S; count: number }[],
): Partial<Record<S, number>> =>
  Object.fromEntries(rows.map(({ state, count }) => [state, count])) as Partial<Record<S, number>>;
