import { sql } from 'kysely';
import { MAX_TIMELINE_BARS, type JobTimeline } from '../../shared/contracts/job-views.ts';
import type { Ledger } from '../../shared/database/connect.ts';

export interface TimeSpan {
  from?: string | undefined;
  to?: string | undefined;
}

interface Span {
  from: Date;
  to: Date;
  now: Date;
}

interface BarRow {
  id: string;
  worker: string;
  step: string;
  start: number;
  end: number | null;
  outcome: string | null;
  first: number;
  last: number;
  frames: number;
}

type SumRow = Omit<JobTimeline['sums'][number], 'worker'> & { worker: string };

const MOST_WORKERS = 200;
/** More would be narrower than a pixel. */
const MOST_COLUMNS = 400;

/** Attempts of a job by worker and time: each where they can be drawn, else sums of them. */
export class TimelineQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** From the first attempt to now, or to the last one's end, where nothing else is asked for. */
  async of(jobId: string, wanted: TimeSpan): Promise<JobTimeline> {
    const span = await this.#span(jobId, wanted);
    const rows = await this.#workers(jobId, span);
    const workers = rows.slice(0, MOST_WORKERS).map(({ worker }) => worker);
    const attempts = rows.reduce((sum, row) => sum + row.attempts, 0);
    const few = attempts <= MAX_TIMELINE_BARS;
    const bars = few ? await this.#bars(jobId, span, workers) : [];
    const sums = few ? [] : await this.#sums(jobId, span, workers);
    const steps = [...new Set(bars.map(({ step }) => step))];
    workers.sort();
    const rowOf = new Map(workers.map((worker, row) => [worker, row]));
    return {
      from: span.from.toISOString(),
      to: span.to.toISOString(),
      now: span.now.toISOString(),
      workers,
      hiddenWorkers: rows.length - workers.length,
      steps,
      bars: bars.map((bar) => ({
        ...bar,
        worker: rowOf.get(bar.worker) ?? 0,
        step: steps.indexOf(bar.step),
      })),
      sums: sums.map((sum) => ({ ...sum, worker: rowOf.get(sum.worker) ?? 0 })),
    };
  }

  async #span(jobId: string, { from, to }: TimeSpan): Promise<Span> {
    const { rows } = await sql<Span>`
      SELECT now() AS now,
        COALESCE(${from ?? null}::timestamptz, (SELECT min(started_at) FROM attempts WHERE job_id = ${jobId}), now()) AS "from",
        COALESCE(${to ?? null}::timestamptz, CASE WHEN EXISTS (
          SELECT FROM tasks WHERE job_id = ${jobId} AND state = 'running'
        ) THEN now() ELSE (SELECT max(ended_at) + interval '1 ms' FROM attempts WHERE job_id = ${jobId}) END, now()) AS "to"`.execute(
      this.#ledger,
    );
    const today = new Date();
    return rows[0] ?? { from: today, to: today, now: today };
  }

  async #workers(jobId: string, span: Span): Promise<{ worker: string; attempts: number }[]> {
    const { rows } = await sql<{ worker: string; attempts: number }>`
      SELECT a.worker, count(*)::int AS attempts FROM attempts a WHERE ${within(jobId, span)}
      GROUP BY a.worker ORDER BY attempts DESC, a.worker LIMIT 10000`.execute(this.#ledger);
    return rows;
  }

  async #bars(jobId: string, span: Span, workers: string[]): Promise<BarRow[]> {
    const { rows } = await sql<BarRow>`
      SELECT a.id, a.worker, s.name AS step, ${millis(sql`a.started_at`, span)} AS start,
        ${millis(sql`a.ended_at`, span)} AS end, a.outcome,
        t.frames[1] AS first, t.frames[cardinality(t.frames)] AS last, cardinality(t.frames) AS frames
      FROM attempts a JOIN tasks t ON t.key = a.task_key JOIN steps s ON s.key = t.step_key
      WHERE ${within(jobId, span)} AND a.worker = ANY(${workers})
      ORDER BY a.started_at LIMIT ${sql.lit(MAX_TIMELINE_BARS)}`.execute(this.#ledger);
    return rows;
  }

  /** An attempt is counted where it began, and keeps its worker busy in every column that it covers. */
  async #sums(jobId: string, span: Span, workers: string[]): Promise<SumRow[]> {
    const columns = Math.min(MOST_COLUMNS, Math.floor(MAX_TIMELINE_BARS / workers.length));
    const width = Math.max(1, span.to.getTime() - span.from.getTime()) / columns;
    const { rows } = await sql<{
      worker: string;
      place: number;
      attempts: number;
      failed: number;
      busy: number;
    }>`
      SELECT a.worker, place, count(*) FILTER (WHERE place = c.first)::int AS attempts,
        count(*) FILTER (WHERE place = c.first AND a.outcome IN ('failed', 'lost', 'rejected'))::int AS failed,
        sum(GREATEST(0, LEAST(m.until, (place + 1) * ${width}::float8) - GREATEST(m.since, place * ${width}::float8))) AS busy
      FROM attempts a
      CROSS JOIN LATERAL (
        SELECT ${millis(sql`a.started_at`, span)} AS since, ${millis(sql`COALESCE(a.ended_at, ${span.now})`, span)} AS until
      ) m
      CROSS JOIN LATERAL (
        SELECT LEAST(GREATEST(0, floor(m.since / ${width}::float8)), ${columns - 1})::int AS first,
          LEAST(GREATEST(0, floor(m.until / ${width}::float8)), ${columns - 1})::int AS last
      ) c
      CROSS JOIN LATERAL generate_series(c.first, c.last) place
      WHERE ${within(jobId, span)} AND a.worker = ANY(${workers})
      GROUP BY a.worker, place ORDER BY place LIMIT ${sql.lit(MAX_TIMELINE_BARS)}`.execute(this.#ledger);
    return rows.map(({ place, ...row }) => ({ ...row, start: place * width, end: (place + 1) * width }));
  }
}

/** Attempts that were under way at some moment of the span. */
const within = (jobId: string, { from, to }: Span) =>
  sql`a.job_id = ${jobId} AND a.started_at <= ${to} AND (a.ended_at IS NULL OR a.ended_at >= ${from})`;

const millis = (time: ReturnType<typeof sql>, { from }: Span) =>
  sql`floor(extract(epoch FROM ${time} - ${from}::timestamptz) * 1000)::float8`;
