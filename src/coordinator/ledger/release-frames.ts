import { sql } from 'kysely';
import type { FrameState } from '../../shared/domain/states.ts';
import { frameByKey } from './frame-by-key.ts';
import type { LedgerTransaction } from './job-repository.ts';

const LONGEST_BACK_OFF_SECONDS = 60;
/** After a failure of a store or machine, which uses up no attempt. */
export const HOST_BACK_OFF_SECONDS = 5;
/** After there was no licence for it, which uses up no attempt either. */
export const LICENCE_BACK_OFF_SECONDS = 15;

/** A frame during whose rendering so many workers died is given up: it may well be what kills them. */
export const MAX_LOSSES = 3;
/**
 * Frames that died with one worker more than once come back one after the other, so that the one that kills it is found:
 * twice the time apart that a frame of the step takes, within these bounds.
 */
const LEAST_APART_SECONDS = 10;
const MOST_APART_SECONDS = 600;

/** Whose failure the end of a task is: nobody's, every open frame's, one frame's, or that of the frame being rendered. */
export type Blame =
  | 'none'
  | 'all'
  | number
  | {
      /** The frame that was last heard of; if it is not open any more, the ledger's own; null: the ledger's own. */
      underWay: number | null;
    };

/** What a blamed frame is charged with: a failed attempt, a worker's death, or more memory than it was given. */
export type Charge = 'failure' | 'loss' | 'memory';

/** The end of a task, as far as the frames are concerned that it did not finish. */
export interface TaskEnding {
  taskKey: string;
  blame: Blame;
  charge: Charge;
  /** With charge `memory`: what the task could use, and the most that any worker of the engine has; null: not known. */
  memory: { hadBytes: number | null; largestBytes: number | null };
  /** Before which no frame of it is cut again, where no failure is counted. */
  delaySeconds: number;
  /** The worker may still hold the frames: those who get them next ask before they render. */
  mayBeHeld: boolean;
  attempt: string | null;
  worker: string | null;
  error: string | null;
  maxAttempts: number;
}

export interface MovedFrame {
  step_key: string;
  number: number;
  generation: number;
  from: FrameState;
  to: FrameState;
  error: string | null;
  task_key: string;
  blamed: boolean;
  charge: Charge;
  losses: number;
  /** With charge `memory`: what it could use now and, if this was the second time, at first; what it is to have next. */
  had_bytes: string | null;
  peak_memory_bytes: string | null;
  memory_bytes: string | null;
}

/**
 * Gives back the frames that ended tasks still hold, in one statement: `ready` again (after a back-off of 2, 4, 8 … 60 s
 * when they failed), `held` where their step is held, or `failed` when their attempts are used up. A frame that ran out of
 * memory is to have twice as much, once. Jobs are locked by the caller; counts are its, too.
 */
export async function releaseFrames(
  trx: LedgerTransaction,
  endings: readonly TaskEnding[],
): Promise<MovedFrame[]> {
  if (endings.length === 0) return [];
  const column = <T>(pick: (ending: TaskEnding) => T): T[] => endings.map(pick);
  const { rows } = await sql<MovedFrame>`/* prepared */
    WITH ending AS (
      SELECT * FROM unnest(
        ${column((e) => e.taskKey)}::bigint[], ${column((e) => kindOf(e.blame))}::text[], ${column((e) => frameOf(e.blame))}::int[],
        ${column((e) => e.charge)}::text[], ${column((e) => e.memory.hadBytes)}::bigint[],
        ${column((e) => e.memory.largestBytes)}::bigint[], ${column((e) => e.delaySeconds)}::float8[],
        ${column((e) => e.mayBeHeld)}::bool[], ${column((e) => e.attempt)}::text[], ${column((e) => e.worker)}::text[],
        ${column((e) => e.error)}::text[], ${column((e) => e.maxAttempts)}::int[], ${turns(endings)}::int[]
      ) AS e(task_key, blame, frame, charge, had, largest, delay, held, attempt, worker, error, max_attempts, turn)
    ),
    open AS MATERIALIZED (
      SELECT f.*, s.hold_reason IS NOT NULL AS step_held, s.seconds_done / NULLIF(s.done, 0) AS seconds_a_frame, e.blame, e.frame, e.charge, e.largest, e.delay, e.held, e.attempt, e.worker,
        e.error, e.max_attempts, e.turn,
        CASE WHEN e.charge = 'memory'
          THEN GREATEST(e.had, (s.spec->'requires'->>'memoryBytes')::bigint, f.memory_bytes) END AS had,
        row_number() OVER (PARTITION BY e.task_key
          ORDER BY (f.number = e.frame) IS TRUE DESC, f.state = 'running' DESC, n.place) = 1 AS under_way
      FROM ending e JOIN tasks t ON t.key = e.task_key JOIN steps s ON s.key = t.step_key
      CROSS JOIN LATERAL unnest(t.frames) WITH ORDINALITY AS n(number, place)
      CROSS JOIN LATERAL ${frameByKey(sql`t.step_key`, sql`n.number`)} f
      WHERE f.task_key = t.key AND f.state IN ('queued', 'running')
    ),
    charged AS (
      SELECT o.*, CASE WHEN o.charge = 'memory' AND o.had IS NULL THEN 'failure' ELSE o.charge END AS charged,
        LEAST(2 * o.had, o.largest) AS more,
        CASE o.blame WHEN 'all' THEN true WHEN 'frame' THEN o.number = o.frame WHEN 'under-way' THEN o.under_way ELSE false END AS blamed
      FROM open o
    ),
    weighed AS (
      SELECT c.*, c.blamed AND CASE c.charged
        WHEN 'loss' THEN c.losses + 1 >= ${MAX_LOSSES}
        WHEN 'memory' THEN c.memory_bytes IS NOT NULL OR c.more <= c.had
        ELSE c.failures + 1 >= c.max_attempts END AS given_up
      FROM charged c
    )
    UPDATE frames f SET
      state = CASE WHEN w.given_up THEN 'failed' WHEN w.step_held THEN 'held' ELSE 'ready' END::frame_state,
      failures = f.failures + (w.blamed AND (w.charged = 'failure' OR (w.charged = 'memory' AND w.given_up)))::int,
      losses = f.losses + (w.blamed AND w.charged = 'loss')::int,
      memory_bytes = CASE WHEN w.blamed AND w.charged = 'memory' AND NOT w.given_up THEN w.more ELSE f.memory_bytes END,
      peak_memory_bytes = CASE WHEN w.blamed AND w.charged = 'memory' AND NOT w.given_up THEN w.had ELSE f.peak_memory_bytes END,
      retry_at = CASE
        WHEN w.blamed AND w.charged = 'failure'
          THEN now() + make_interval(secs => LEAST(${LONGEST_BACK_OFF_SECONDS}, power(2, f.failures + 1)))
        WHEN w.blamed AND w.charged = 'loss' AND f.losses > 0
          THEN now() + make_interval(secs => w.turn *
            GREATEST(${LEAST_APART_SECONDS}::float8, LEAST(${MOST_APART_SECONDS}::float8, 2 * w.seconds_a_frame)))
        WHEN w.delay > 0 THEN now() + make_interval(secs => w.delay) END,
      task_key = CASE WHEN w.held THEN f.task_key END,
      attempt = CASE WHEN w.blamed THEN w.attempt ELSE f.attempt END,
      worker = CASE WHEN w.blamed THEN w.worker END,
      error = CASE WHEN w.blamed THEN w.error ELSE f.error END
    FROM weighed w
    WHERE f.ctid = w.tid
    RETURNING f.step_key, f.number, f.generation, w.state AS "from", f.state AS "to", f.error, w.task_key, w.blamed,
      w.charged AS charge, f.losses, w.had AS had_bytes, f.peak_memory_bytes, f.memory_bytes`.execute(trx);
  return rows;
}

const kindOf = (blame: Blame): string =>
  typeof blame === 'number' ? 'frame' : typeof blame === 'string' ? blame : 'under-way';

const frameOf = (blame: Blame): number | null =>
  typeof blame === 'number' ? blame : typeof blame === 'string' ? null : blame.underWay;

/** Of each ending, how many of the same worker come before it. */
function turns(endings: readonly TaskEnding[]): number[] {
  const before = new Map<string | null, number>();
  return endings.map(({ worker }) => {
    const turn = before.get(worker) ?? 0;
    before.set(worker, turn + 1);
    return turn;
  });
}
