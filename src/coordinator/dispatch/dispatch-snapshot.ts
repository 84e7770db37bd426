import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';

/** Steps looked at in one round; those beyond have to wait for these anyway. */
const MAX_STEPS_A_ROUND = 200;

export interface StepRow {
  key: string;
  job_id: string;
  engine: string;
  position: number;
  priority: number;
  submitted_at: Date;
  ready: number;
  done: number;
  seconds_done: number;
  chunk: string;
  target_seconds: number;
  open_tasks: number;
}

/** Steps with frames to cut for these engines, first the ones that go first. Only open jobs are read, by a partial index. */
export async function readReadySteps(
  ledger: Ledger,
  engines: readonly string[],
  excluded: readonly string[],
): Promise<StepRow[]> {
  const { rows } = await sql<StepRow>`
    SELECT s.key, s.job_id, s.engine, s.position, j.priority, j.submitted_at, s.ready, s.done, s.seconds_done, s.chunk, s.target_seconds,
      (SELECT count(*)::int FROM tasks t WHERE t.step_key = s.key AND t.state IN ('queued', 'running')
        AND s.chunk = 'sequential') AS open_tasks
    FROM jobs j JOIN steps s ON s.job_id = j.id
    WHERE j.state IN ('queued', 'running', 'paused', 'held') AND NOT j.paused
      AND (j.not_before IS NULL OR j.not_before <= now())
      AND s.ready > 0 AND s.engine = ANY(${engines}) AND s.key <> ALL(${excluded}::bigint[])
    ORDER BY j.priority DESC, j.submitted_at, j.id, s.position
    LIMIT ${MAX_STEPS_A_ROUND}`.execute(ledger);
  return rows;
}

export interface LaneLoad {
  queued: number;
  running: number;
}

/** Open tasks by lane. */
export async function readLaneLoads(ledger: Ledger): Promise<Map<string, LaneLoad>> {
  const { rows } = await sql<{ lane: string } & LaneLoad>`
    SELECT lane, count(*) FILTER (WHERE state = 'queued')::int AS queued,
      count(*) FILTER (WHERE state = 'running')::int AS running
    FROM tasks WHERE state IN ('queued', 'running') GROUP BY lane`.execute(ledger);
  return new Map(rows.map((row) => [row.lane, row]));
}
