import { sql } from 'kysely';
import type { TaskCut } from '../planning/plan-dispatch.ts';
import type { LedgerTransaction } from './job-repository.ts';

/** A task as it was cut or is fed again. */
export interface CutTask {
  key: string;
  step_key: string;
  job_id: string;
  engine: string;
  lane: string;
  feed: number;
  frames: number[];
  generations: number[];
  resume: boolean;
}

/** Everything of a job changes under its row's lock, taken in the order of ids: no deadlock, and counts add up. */
export async function lockJobs(trx: LedgerTransaction, jobIds: readonly string[]): Promise<void> {
  await sql`SELECT id FROM jobs WHERE id = ANY(${[...jobIds]}) ORDER BY id FOR NO KEY UPDATE`.execute(trx);
}

/**
 * Cuts tasks from the first ready frames of their steps, in one statement: frames → `queued`, rows in `tasks`, counts on
 * the steps. The jobs are locked by the caller. A step whose frames were taken or paused meanwhile gives fewer tasks.
 */
export async function cutTasks(trx: LedgerTransaction, cuts: readonly TaskCut[]): Promise<CutTask[]> {
  const next = new Map<string, number>();
  const plan = cuts.map((cut) => {
    const first = next.get(cut.stepKey) ?? 0;
    next.set(cut.stepKey, first + cut.frames);
    return { ...cut, first, end: first + cut.frames };
  });
  const { rows } = await sql<CutTask>`
    WITH plan AS (
      SELECT p.* FROM unnest(
        ${plan.map((_, index) => index)}::int[], ${plan.map((cut) => cut.stepKey)}::bigint[],
        ${plan.map((cut) => cut.lane)}::text[], ${plan.map((cut) => cut.first)}::int[], ${plan.map((cut) => cut.end)}::int[]
      ) AS p(no, step_key, lane, first, upto)
    ),
    wanted AS (
      SELECT s.key AS step_key, s.job_id, s.engine, max(p.upto) AS frames
      FROM plan p JOIN steps s ON s.key = p.step_key JOIN jobs j ON j.id = s.job_id
      WHERE NOT j.paused AND j.state IN ('queued', 'running', 'held')
      GROUP BY s.key
    ),
    picked AS MATERIALIZED (
      SELECT w.step_key, f.tid, f.number, f.generation, f.position, f.task_key IS NOT NULL AS resume,
        row_number() OVER (PARTITION BY w.step_key ORDER BY f.position) - 1 AS nth
      FROM wanted w CROSS JOIN LATERAL (
        SELECT ctid AS tid, number, generation, position, task_key FROM frames
        WHERE step_key = w.step_key AND state = 'ready' AND (retry_at IS NULL OR retry_at <= now())
        ORDER BY position LIMIT w.frames
      ) f
    ),
    grouped AS (
      SELECT p.no, p.step_key, p.lane, array_agg(f.number ORDER BY f.position) AS frames, array_agg(f.tid ORDER BY f.position) AS tids,
        array_agg(f.generation ORDER BY f.position) AS generations, bool_or(f.resume) AS resume
      FROM plan p JOIN picked f ON f.step_key = p.step_key AND f.nth >= p.first AND f.nth < p.upto
      GROUP BY p.no, p.step_key, p.lane
    ),
    cut AS MATERIALIZED (SELECT nextval('tasks_key_seq') AS key, g.* FROM (SELECT * FROM grouped ORDER BY no) g),
    moved AS (
      UPDATE frames f SET state = 'queued', task_key = c.key, retry_at = NULL
      FROM cut c CROSS JOIN LATERAL unnest(c.tids) AS n(tid)
      WHERE f.ctid = n.tid
    ),
    counted AS (
      UPDATE steps s SET ready = s.ready - n.frames, queued = s.queued + n.frames,
        state = CASE WHEN s.state = 'queued' THEN 'running' ELSE s.state END
      FROM (SELECT step_key, sum(cardinality(frames))::int AS frames FROM cut GROUP BY step_key) n
      WHERE s.key = n.step_key
    ),
    started AS (
      UPDATE jobs j SET state = 'running', started_at = COALESCE(j.started_at, now())
      WHERE j.state = 'queued' AND j.id IN (SELECT w.job_id FROM wanted w JOIN cut c ON c.step_key = w.step_key)
    )
    INSERT INTO tasks (key, step_key, job_id, engine, lane, state, feed, frames, generations, resume, published_at)
    OVERRIDING SYSTEM VALUE
    SELECT c.key, c.step_key, w.job_id, w.engine, c.lane, 'queued', 1, c.frames, c.generations, c.resume, now()
    FROM cut c JOIN wanted w ON w.step_key = c.step_key
    ORDER BY c.no
    RETURNING key, step_key, job_id, engine, lane, feed, frames, generations, resume`.execute(trx);
  return rows;
}
