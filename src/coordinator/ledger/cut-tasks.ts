import { sql, type RawBuilder } from 'kysely';
import type { TaskCut } from '../planning/snapshot.ts';
import type { LedgerTransaction } from './job-repository.ts';

/** A cut with the lane that its task goes to. */
export interface PlacedCut extends TaskCut {
  lane: string;
  /** Exact version of the step's engine that the lane's workers have. */
  engineVersion: string;
}

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
  slots: number;
  gpus: number;
  reserved_worker: string | null;
  /** Whether its scene's scripts may run, where a person was asked. */
  trust_scripts: boolean | null;
}

/** Everything of a job changes under its row's lock, taken in the order of ids: no deadlock, and counts add up. */
export async function lockJobs(trx: LedgerTransaction, jobIds: readonly string[]): Promise<void> {
  await sql`/* prepared */ SELECT id FROM jobs WHERE id = ANY(${[...jobIds]}) ORDER BY id FOR NO KEY UPDATE`.execute(
    trx,
  );
}

/**
 * Cuts tasks from the first ready frames of their steps, in one statement: frames → `queued`, rows in `tasks`, counts on
 * the steps, and the engine's version on steps that have none yet. The jobs are locked by the caller. A step whose frames
 * were taken or paused meanwhile gives fewer tasks; so does one that is rendered with another version than the lane has.
 * A frame that failed or was lost before is a task of its own: the frames behind it stay ready for the next round.
 */
export async function cutTasks(trx: LedgerTransaction, cuts: readonly PlacedCut[]): Promise<CutTask[]> {
  if (cuts.length === 0) return [];
  const plan = placesInStep(cuts);
  const { rows } = await sql<CutTask>`/* prepared */
    WITH plan AS ${planned(plan)},
    open_step AS MATERIALIZED (
      SELECT s.key AS step_key, s.job_id, s.engine,
        COALESCE(s.engine_version, (SELECT p.version FROM plan p WHERE p.step_key = s.key ORDER BY p.no LIMIT 1)) AS version
      FROM steps s JOIN jobs j ON j.id = s.job_id
      WHERE s.key = ANY(${[...new Set(plan.map((cut) => cut.stepKey))]}::bigint[])
        AND NOT j.paused AND j.state IN ('queued', 'running', 'held') AND (s.sweep IS NULL OR s.sweep NOT IN ('cancel', 'hold', 'remake', 'skip', 'wait'))
        AND (s.retry_at IS NULL OR s.retry_at <= now())
    ),
    placed AS MATERIALIZED (
      SELECT p.*, o.job_id, o.engine FROM plan p JOIN open_step o ON o.step_key = p.step_key AND o.version = p.version
    ),
    wanted AS MATERIALIZED (
      SELECT step_key, variant, avoid, max(upto) AS frames, array_agg(first ORDER BY first) AS firsts,
        array_agg(no ORDER BY first) AS nos
      FROM placed GROUP BY step_key, variant, avoid
    ),
    picked AS MATERIALIZED (
      -- The cuts of a step follow each other without a gap: a frame's is found by bisection. A join by ranges would
      -- compare each of thousands of frames with each of hundreds of cuts. Numbered within the step: rows that are sorted
      -- do not carry the lists of its cuts.
      SELECT w.nos[width_bucket(f.nth::int, w.firsts)] AS no, f.*
      FROM wanted w CROSS JOIN LATERAL (
        SELECT r.*, row_number() OVER (ORDER BY r.position) - 1 AS nth,
          sum(r.suspect::int) OVER (ORDER BY r.position) AS suspects
        FROM (${READY_FRAMES}) r
      ) f
    ),
    taken AS (
      SELECT p.*,
        first_value(p.suspects) OVER (PARTITION BY p.no ORDER BY p.nth) AS first_suspects,
        first_value(p.suspect) OVER (PARTITION BY p.no ORDER BY p.nth) AS first_suspect
      FROM picked p
    ),
    grouped AS (
      SELECT no, array_agg(number ORDER BY nth) AS frames, array_agg(tid ORDER BY nth) AS tids,
        array_agg(generation ORDER BY nth) AS generations, bool_or(resume) AS resume
      FROM taken WHERE suspects = first_suspects AND suspect = first_suspect
      GROUP BY no
    ),
    cut AS MATERIALIZED (
      SELECT nextval('tasks_key_seq') AS key, g.* FROM (
        SELECT p.step_key, p.job_id, p.engine, p.lane, p.version, p.slots, p.gpus, p.worker, g.*
        FROM grouped g JOIN placed p ON p.no = g.no ORDER BY g.no
      ) g
    ),
    moved AS (
      UPDATE frames f SET state = 'queued', task_key = c.key, retry_at = NULL
      FROM cut c CROSS JOIN LATERAL unnest(c.tids) AS n(tid)
      WHERE f.ctid = n.tid
    ),
    counted AS (
      UPDATE steps s SET ready = s.ready - n.frames, queued = s.queued + n.frames, engine_version = n.version,
        state = CASE WHEN s.state = 'queued' THEN 'running' ELSE s.state END
      FROM (SELECT step_key, version, sum(cardinality(frames))::int AS frames FROM cut GROUP BY step_key, version) n
      WHERE s.key = n.step_key
    ),
    started AS (
      UPDATE jobs j SET state = 'running', started_at = COALESCE(j.started_at, now())
      WHERE j.state = 'queued' AND j.id IN (SELECT job_id FROM cut)
    )
    INSERT INTO tasks (key, step_key, job_id, engine, lane, state, feed, frames, generations, resume, slots, gpus,
      reserved_worker, published_at)
    OVERRIDING SYSTEM VALUE
    SELECT key, step_key, job_id, engine, lane, 'queued', 1, frames, generations, resume, slots, gpus, worker, now()
    FROM cut ORDER BY no
    RETURNING key, step_key, job_id, engine, lane, feed, frames, generations, resume, slots, gpus, reserved_worker,
      (SELECT s.trust_scripts FROM steps s WHERE s.key = step_key) AS trust_scripts`.execute(trx);
  return rows;
}

/** The first ready frames of a row `w` of (step, demand for memory, worker to avoid, how many): each way by an index of its own. */
const READY_FRAMES = sql`(
          SELECT ctid AS tid, number, generation, position, task_key IS NOT NULL AS resume, failures + losses > 0 AS suspect
          FROM frames
          WHERE w.variant IS NULL AND w.avoid IS NULL AND step_key = w.step_key AND state = 'ready'
            AND memory_bytes IS NULL AND avoid_worker IS NULL
            AND (retry_at IS NULL OR retry_at <= now())
          ORDER BY position LIMIT w.frames
        ) UNION ALL (
          SELECT * FROM (
            SELECT ctid AS tid, number, generation, position, task_key IS NOT NULL AS resume, failures + losses > 0 AS suspect
            FROM frames
            WHERE w.variant IS NOT NULL AND w.avoid IS NULL AND step_key = w.step_key AND state = 'ready'
              AND memory_bytes = w.variant AND avoid_worker IS NULL AND (retry_at IS NULL OR retry_at <= now())
            OFFSET 0
          ) bigger ORDER BY position LIMIT w.frames
        ) UNION ALL (
          SELECT * FROM (
            SELECT ctid AS tid, number, generation, position, task_key IS NOT NULL AS resume, failures + losses > 0 AS suspect
            FROM frames
            WHERE w.avoid IS NOT NULL AND step_key = w.step_key AND state = 'ready' AND avoid_worker = w.avoid
              AND memory_bytes IS NOT DISTINCT FROM w.variant AND (retry_at IS NULL OR retry_at <= now())
            OFFSET 0
          ) elsewhere ORDER BY position LIMIT w.frames
        )`;

type PlannedCut = PlacedCut & {
  /** Places of its frames among the ready ones that are cut. */
  first: number;
  end: number;
};

const planned = (plan: readonly PlannedCut[]): RawBuilder<unknown> => sql`(
      SELECT p.* FROM unnest(
        ${plan.map((_, index) => index)}::int[], ${plan.map((cut) => cut.stepKey)}::bigint[],
        ${plan.map((cut) => cut.variantMemoryBytes)}::bigint[], ${plan.map((cut) => cut.lane)}::text[],
        ${plan.map((cut) => cut.engineVersion)}::text[], ${plan.map((cut) => cut.slots)}::int[],
        ${plan.map((cut) => cut.gpus)}::int[], ${plan.map((cut) => cut.worker)}::text[],
        ${plan.map((cut) => cut.first)}::int[], ${plan.map((cut) => cut.end)}::int[],
        ${plan.map((cut) => cut.avoid ?? null)}::text[]
      ) AS p(no, step_key, variant, lane, version, slots, gpus, worker, first, upto, avoid)
    )`;

/** Several cuts of one step take its frames one after the other; only those of one version of the engine are carried out. */
function placesInStep(cuts: readonly PlacedCut[]): PlannedCut[] {
  const next = new Map<string, number>();
  return cuts.map((cut) => {
    const pile = `${cut.stepKey}/${cut.variantMemoryBytes ?? ''}/${cut.avoid ?? ''}/${cut.engineVersion}`;
    const first = next.get(pile) ?? 0;
    next.set(pile, first + cut.frames);
    return { ...cut, first, end: first + cut.frames };
  });
}
