import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { STEP_MARK } from '../ledger/step-mark.ts';

/** Ready frames of a step that are not for everybody, or not yet. */
export interface SpecialFrames {
  /** What they need, where that is more than their step says. */
  memory_bytes: number | null;
  /** Another worker than this one is to have them. */
  avoid_worker: string | null;
  frames: number;
  /** Of those, how many are in back-off. */
  later: number;
  /** Until the first of these may be cut. */
  due_ms: number | null;
}

/** A step of an open job, as it was at the moment of reading. */
export interface OpenStepRow {
  key: string;
  job_id: string;
  name: string;
  engine: string;
  engine_version: string | null;
  position: number;
  chunk: string;
  target_seconds: number;
  ready: number;
  done: number;
  seconds_done: number;
  project: string;
  owner: string;
  priority: number;
  submitted_at: Date;
  preempt: boolean;
  limit_running: number | null;
  /** What changes seldom, as text: two that are equal need not be compared further. */
  mark: string;
  /** Whether its frames may be cut at all: its job is not paused, and it is not being cancelled. */
  open: boolean;
  /** Milliseconds until its job or the step may begin; null: it may. */
  due_ms: number | null;
  preview_ready: number;
  special: SpecialFrames[] | null;
}

/** A step that has brought so many frames has long been shown a preview of. */
const PREVIEW_WITHIN = 64;

/**
 * Steps of these jobs that have frames to cut or in tasks, by keys and partial indexes only: what waits or has ended
 * costs nothing. Jobs that have ended give none.
 */
export async function readOpenSteps(ledger: Ledger, jobIds: readonly string[]): Promise<OpenStepRow[]> {
  const { rows } = await sql<OpenStepRow>`/* prepared */
    SELECT s.key, s.job_id, s.name, s.engine, s.engine_version, s.position, s.chunk, s.target_seconds, s.ready, s.done,
      s.seconds_done, ${STEP_MARK} AS mark, j.project, j.owner, j.priority, j.submitted_at, j.preempt, j.limit_running,
      NOT j.paused AND (s.sweep IS NULL OR s.sweep NOT IN ('cancel', 'hold', 'remake', 'skip', 'wait')) AS open,
      (EXTRACT(epoch FROM NULLIF(GREATEST(j.not_before, s.retry_at, now()), now()) - now()) * 1000)::float8 AS due_ms,
      COALESCE(preview.ready, 0) AS preview_ready, special.piles AS special
    FROM jobs j JOIN steps s ON s.job_id = j.id
    LEFT JOIN LATERAL (
      SELECT count(*)::int AS ready FROM frames f
      WHERE f.step_key = s.key AND f.state = 'ready' AND f.position < (s.spec->>'previewFrames')::int
    ) preview ON s.done < ${PREVIEW_WITHIN} AND (s.spec->>'previewFrames')::int > 0
    LEFT JOIN LATERAL (
      SELECT json_agg(pile) AS piles FROM (
        SELECT f.memory_bytes, f.avoid_worker, count(*)::int AS frames, count(*) FILTER (WHERE f.retry_at > now())::int AS later,
          (EXTRACT(epoch FROM min(f.retry_at) FILTER (WHERE f.retry_at > now()) - now()) * 1000)::float8 AS due_ms
        FROM frames f
        WHERE f.step_key = s.key AND f.state = 'ready' 
          AND (f.retry_at IS NOT NULL OR f.memory_bytes IS NOT NULL OR f.avoid_worker IS NOT NULL)
        GROUP BY f.memory_bytes, f.avoid_worker
      ) pile
    ) special ON s.ready > 0
    WHERE j.id = ANY(${[...jobIds]}) AND j.state IN ('queued', 'running', 'paused', 'held')
      AND (s.ready > 0 OR s.queued > 0 OR s.running > 0)`.execute(ledger);
  return rows;
}

/** Ids of all jobs that have not ended. */
export async function readOpenJobIds(ledger: Ledger): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM jobs WHERE state IN ('queued', 'running', 'paused', 'held')
    ORDER BY priority DESC, submitted_at`.execute(ledger);
  return rows.map((row) => row.id);
}

/** A step of an open job, as far as it takes to see whether something of it was missed. */
export type GlancedStep = Pick<OpenStepRow, 'key' | 'job_id' | 'ready' | 'mark'>;

/** All steps that have frames to cut or in tasks, at a glance. */
export async function glanceAtSteps(ledger: Ledger): Promise<GlancedStep[]> {
  const { rows } = await sql<GlancedStep>`
    SELECT s.key, s.job_id, s.ready, ${STEP_MARK} AS mark
    FROM jobs j JOIN steps s ON s.job_id = j.id
    WHERE j.state IN ('queued', 'running', 'paused', 'held') AND (s.ready > 0 OR s.queued > 0 OR s.running > 0)`.execute(
    ledger,
  );
  return rows;
}

/** How many open tasks jobs have. */
export async function countOpenTasks(ledger: Ledger): Promise<Map<string, number>> {
  const { rows } = await sql<{ job_id: string; tasks: number }>`
    SELECT job_id, count(*)::int AS tasks FROM tasks WHERE state IN ('queued', 'running') GROUP BY job_id`.execute(
    ledger,
  );
  return new Map(rows.map((row) => [row.job_id, row.tasks]));
}
