import { sql } from 'kysely';
import { FAILURE_COLUMNS, type FailureKind } from '../../shared/contracts/failure-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { JobState } from '../../shared/domain/states.ts';

/** The newest failed attempts that are looked at: more would make the answer slow. */
export const MOST_ATTEMPTS = 10_000;
/** Failed frames of a step that are looked through. */
const MOST_FRAMES = 5_000;

export interface FailureFilter {
  sinceSeconds: number;
  fingerprint?: string | undefined;
  project?: string | undefined;
  owner?: string | undefined;
  engine?: string | undefined;
  worker?: string | undefined;
  job?: string | undefined;
}

/** A failed attempt, as far as grouping needs it. */
export interface FailedAttempt {
  id: string;
  fingerprint: string;
  job: string;
  worker: string;
  stepKey: string;
  /** null: it is not known which of its frames failed. */
  frame: number | null;
  firstFrame: number;
  /** Frames that it did not finish. */
  open: number;
  /** Which part of the time asked for it ended in. */
  column: number;
  at: Date;
}

export interface FailedAttempts {
  now: Date;
  from: Date;
  /** Newest first. */
  attempts: FailedAttempt[];
  /** Attempts that were held against project, owner, engine and reason. */
  considered: number;
  /** There were more, which are older. */
  truncated: boolean;
}

export interface FailureSample {
  kind: FailureKind;
  message: string;
  step: string;
}

/** A step, with its frames that are failed now and the attempt that each failed in. */
export interface FailedPlace {
  job: string;
  name: string;
  state: JobState;
  step: string;
  frames: { number: number; attempt: string | null }[];
}

/** Reads what failed. The newest within the time asked for are found through indexes that hold failed attempts alone. */
export class FailureQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async attempts(filter: FailureFilter): Promise<FailedAttempts> {
    const { sinceSeconds, engine, project, owner, fingerprint } = filter;
    const statement = sql<FailedAttempt & { now: Date; from: Date; total: number }>`
      WITH recent AS MATERIALIZED (
        SELECT a.id, a.task_key, a.job_id, a.worker, a.frame, a.frames_done, a.ended_at,
          COALESCE(a.fingerprint, left(md5(COALESCE(a.class, a.outcome)), 16)) AS fingerprint
        FROM attempts a
        WHERE a.outcome IN ('failed', 'lost', 'rejected')
          AND a.ended_at > now() - make_interval(secs => ${sinceSeconds}::float8) ${among(filter)}
        ORDER BY a.ended_at DESC LIMIT ${sql.lit(MOST_ATTEMPTS + 1)}
      ),
      placed AS MATERIALIZED (
        SELECT r.id, r.fingerprint, r.job_id AS job, r.worker, t.step_key AS "stepKey", r.frame,
          t.frames[1] AS "firstFrame", GREATEST(1, cardinality(t.frames) - r.frames_done) AS open,
          GREATEST(0, ${sql.lit(FAILURE_COLUMNS - 1)} - floor(GREATEST(0, extract(epoch FROM now() - r.ended_at))
            * ${sql.lit(FAILURE_COLUMNS)} / ${sinceSeconds}::float8)::int) AS column, r.ended_at AS at
        FROM recent r
        CROSS JOIN LATERAL (SELECT step_key, engine, frames FROM tasks WHERE key = r.task_key OFFSET 0) t
        CROSS JOIN LATERAL (SELECT project, owner FROM jobs WHERE id = r.job_id OFFSET 0) j
        WHERE (${engine ?? null}::text IS NULL OR t.engine = ${engine ?? null})
          AND (${project ?? null}::text IS NULL OR j.project = ${project ?? null})
          AND (${owner ?? null}::text IS NULL OR j.owner = ${owner ?? null})
          AND (${fingerprint ?? null}::text IS NULL OR r.fingerprint = ${fingerprint ?? null})
      )
      SELECT s.*, p.* FROM (
        SELECT now() AS now, now() - make_interval(secs => ${sinceSeconds}::float8) AS "from",
          (SELECT count(*)::int FROM recent) AS total
      ) s LEFT JOIN placed p ON true ORDER BY p.at DESC`;
    // Without statistics few failures are expected, and all of them would be read to sort them: the index has the order.
    const rows = await this.#ledger.transaction().execute(async (transaction) => {
      await sql`SET LOCAL enable_sort = off`.execute(transaction);
      await sql`SET LOCAL enable_bitmapscan = off`.execute(transaction);
      await sql`SET LOCAL enable_seqscan = off`.execute(transaction);
      return (await statement.execute(transaction)).rows;
    });
    const { now = new Date(), from = new Date(), total = 0 } = rows[0] ?? {};
    return {
      now,
      from,
      attempts: rows.filter(({ id }) => (id as string | null) !== null).slice(0, MOST_ATTEMPTS),
      considered: Math.min(total, MOST_ATTEMPTS),
      truncated: total > MOST_ATTEMPTS,
    };
  }

  /** What attempts said, by their ids. */
  async samples(attempts: readonly string[]): Promise<Map<string, FailureSample>> {
    const { rows } = await sql<FailureSample & { id: string }>`
      SELECT a.id, a.step AS step, left(COALESCE(a.error, 'No reason was given.'), 4000) AS message,
        CASE WHEN a.outcome = 'lost' THEN 'loss' ELSE COALESCE(a.class, 'rejected') END AS kind
      FROM unnest(${[...attempts]}::text[]) AS n(id)
      CROSS JOIN LATERAL (
        SELECT b.*, s.name AS step FROM attempts b JOIN tasks t ON t.key = b.task_key JOIN steps s ON s.key = t.step_key
        WHERE b.id = n.id OFFSET 0
      ) a`.execute(this.#ledger);
    return new Map(rows.map(({ id, ...sample }) => [id, sample]));
  }

  /** By id. Names can be very long: their beginning. */
  async jobNames(jobs: readonly string[]): Promise<Map<string, string>> {
    const { rows } = await sql<{ id: string; name: string }>`
      SELECT id, left(name, 200) AS name FROM jobs WHERE id = ANY(${[...jobs]}::text[])`.execute(
      this.#ledger,
    );
    return new Map(rows.map(({ id, name }) => [id, name]));
  }

  /** In the order of the steps given. */
  async places(stepKeys: readonly string[]): Promise<FailedPlace[]> {
    const { rows } = await sql<FailedPlace>`
      SELECT s.job_id AS job, left(s.job_name, 200) AS name, s.state, s.name AS step, COALESCE(f.frames, '[]') AS frames
      FROM unnest(${[...stepKeys]}::bigint[]) WITH ORDINALITY AS n(key, place)
      CROSS JOIN LATERAL (
        SELECT x.job_id, x.name, j.name AS job_name, j.state FROM steps x JOIN jobs j ON j.id = x.job_id
        WHERE x.key = n.key OFFSET 0
      ) s
      CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('number', number, 'attempt', attempt) ORDER BY number) AS frames FROM (
          SELECT number, attempt FROM frames WHERE step_key = n.key AND state IN ('failed', 'held') AND state = 'failed'
          ORDER BY number LIMIT ${sql.lit(MOST_FRAMES)}
        ) open
      ) f ORDER BY n.place`.execute(this.#ledger);
    return rows;
  }
}

/** Of one worker or one job: each has an index, so that a few are found among millions of others. */
function among({ worker, job }: FailureFilter) {
  const ofJob = job === undefined ? sql`` : sql`AND a.job_id = ${job}`;
  return worker === undefined ? ofJob : sql`${ofJob} AND a.worker = ${worker}`;
}
