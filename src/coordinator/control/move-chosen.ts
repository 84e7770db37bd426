import { sql, type RawBuilder } from 'kysely';
import { SKIPPED_BY, type ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import { MAX_FRAME_NUMBER } from '../../shared/domain/frame-ranges.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { entryState } from './entry-state.ts';
import { decide, keepResults } from '../quality/record-decisions.ts';

const LOWEST_NUMBER = -2_147_483_648;

/** A step with the frames of it that are meant. */
export interface ChosenOfStep {
  key: string;
  chosen: ChosenFrames;
  /** The highest frame number that was gone over before; null: none. */
  after?: number | null;
}

/**
 * Does to the next frames, by number, what was chosen for them, and tells the counts: one statement for all steps of a kind,
 * in the order in which one follows from the other. A step appears once in each kind. The jobs are locked by the caller,
 * who settles them.
 * @param limit frames of each step at most.
 * @returns by step the highest number that was gone over; null: there are no more.
 */
export async function moveChosen(
  trx: LedgerTransaction,
  steps: readonly ChosenOfStep[],
  limit: number,
): Promise<Map<string, number | null>> {
  const passes = new Map<string, number | null>();
  for (const [kinds, move] of MOVES) {
    const meant = steps.filter(({ chosen }) => kinds.includes(chosen.kind));
    if (meant.length === 0) continue;
    const { rows } = await sql<MovedRow>`
      WITH ${walk(meant, limit)}, ${move()},
      counted AS (
        SELECT step_key, from_state, to_state, count(*)::int AS frames,
          COALESCE(sum(seconds) FILTER (WHERE 'done' IN (from_state, to_state)), 0)::float8 AS seconds
        FROM moved GROUP BY step_key, from_state, to_state
      )
      SELECT s.key, p.last, COALESCE(p.walked, 0) AS walked, m.from_state AS "from", m.to_state AS "to",
        COALESCE(m.frames, 0) AS frames, COALESCE(m.seconds, 0) AS seconds
      FROM swept s
      LEFT JOIN (SELECT key, max(number) AS last, count(*)::int AS walked FROM walked GROUP BY key) p ON p.key = s.key
      LEFT JOIN counted m ON m.step_key = s.key`.execute(trx);
    await countMoved(trx, rows);
    for (const { key, last, walked } of rows) passes.set(key, walked < limit ? null : last);
  }
  return passes;
}

interface MovedRow {
  key: string;
  last: number | null;
  walked: number;
  from: FrameState | null;
  to: FrameState | null;
  frames: number;
  /** Of frames that were done, or now are. */
  seconds: number;
}

async function countMoved(trx: LedgerTransaction, rows: readonly MovedRow[]): Promise<void> {
  const deltas = new CountDeltas();
  for (const { key, from, to, frames, seconds } of rows) {
    if (from === null || to === null) continue;
    deltas.move(key, from, to, frames);
    if (seconds !== 0) deltas.addSeconds(key, to === 'done' ? seconds : -seconds);
  }
  await deltas.write(trx);
}

/** How many of the chosen frames are in which state, by step. */
export async function countChosen(
  trx: LedgerTransaction,
  steps: readonly ChosenOfStep[],
): Promise<{ key: string; state: FrameState; frames: number }[]> {
  if (steps.length === 0) return [];
  // Each number is in one run at most: its frames are a range of the primary key.
  const { rows } = await sql<{ key: string; state: FrameState; frames: number }>`
    WITH ${named(steps)}, range AS MATERIALIZED (
      SELECT key, LEAST(start, start + (count - 1) * step) AS low, GREATEST(start, start + (count - 1) * step) AS high, start, step FROM run
      UNION ALL SELECT key, after + 1, upto, 0, 1 FROM swept WHERE NOT numbered
    )
    SELECT n.key, f.state, sum(f.frames)::int AS frames FROM swept n JOIN range r ON r.key = n.key CROSS JOIN LATERAL (
      SELECT state, count(*)::int AS frames FROM frames
      WHERE step_key = n.key AND number BETWEEN r.low AND r.high AND (number - r.start) % r.step = 0
        AND state = ANY(n.among) AND ${isMeant()} GROUP BY state
    ) f GROUP BY n.key, f.state`.execute(trx);
  return rows;
}

/**
 * Of frames that were skipped only those that nobody asked to skip, and of held ones only those whose result waits for a
 * decision, where that is said of the step `n`. Letting a held step go leaves those to whoever decides.
 */
const isMeant = (): RawBuilder<unknown> =>
  sql`NOT (n.for_others AND state = 'skipped' AND COALESCE(starts_with(error, ${SKIPPED_BY}), false))
    AND NOT (n.judged AND state = 'held' AND verdict IS NULL)
    AND NOT (n.let_go AND state = 'held' AND verdict IS NOT NULL)`;

/** `swept`: the steps, and what is said of their frames; `run`: runs of numbers, where numbers are said. */
function named(steps: readonly ChosenOfStep[]): RawBuilder<unknown> {
  const meant = steps.map(({ key, chosen, after }) => {
    const { states, runs, forOthers, letGo, error, judged, decided } = chosen;
    const { low, high } = boundsOf(runs);
    return {
      key,
      after: Math.max(after ?? LOWEST_NUMBER, low - 1),
      upto: high,
      states,
      numbered: runs !== null,
      runs: runs ?? [],
      for_others: forOthers,
      let_go: letGo,
      error,
      judged: judged === true,
      decided_by: decided?.by ?? null,
      note: decided?.note ?? null,
    };
  });
  return sql`
    swept AS MATERIALIZED (
      SELECT n.*, n.states::frame_state[] AS among, ${entryState()} AS entry
      FROM jsonb_to_recordset(${JSON.stringify(meant)}::jsonb) AS n(key bigint, after int, upto int, states text[],
        numbered bool, runs jsonb, for_others bool, let_go bool, error text, judged bool, decided_by text, note text)
      JOIN steps s ON s.key = n.key
    ),
    run AS MATERIALIZED (
      SELECT n.key, r.* FROM swept n CROSS JOIN LATERAL jsonb_to_recordset(n.runs) AS r(start int, step int, count int)
    )`;
}

/** With `walked`: the chosen frames of each step that come next, found by the primary key. */
function walk(steps: readonly ChosenOfStep[], limit: number): RawBuilder<unknown> {
  const failedOnly = steps.every(({ chosen }) =>
    chosen.states.every((state) => state === 'failed' || state === 'held'),
  );
  return sql`
    ${named(steps)},
    walked AS MATERIALIZED (
      SELECT n.key, n.entry, n.let_go, n.error, n.decided_by, n.note, f.* FROM swept n CROSS JOIN LATERAL (
        SELECT ctid AS tid, number, state, verdict, COALESCE(seconds, 0) AS seconds FROM frames
        WHERE step_key = n.key AND number > n.after AND number <= n.upto AND state = ANY(n.among)
          ${failedOnly ? sql`AND state IN ('failed', 'held')` : sql``}
          AND ${isMeant()}
          AND (NOT n.numbered OR EXISTS (
            SELECT 1 FROM run r WHERE r.key = n.key
              AND (number - r.start) % r.step = 0 AND (number - r.start) / r.step BETWEEN 0 AND r.count - 1))
        ORDER BY step_key, number LIMIT ${limit}::int
      ) f
    )`;
}

function boundsOf(runs: ChosenFrames['runs']): { low: number; high: number } {
  if (runs === null) return { low: -MAX_FRAME_NUMBER, high: MAX_FRAME_NUMBER };
  const ends = runs.flatMap((run) => [run.start, run.start + (run.count - 1) * run.step]);
  return {
    low: ends.reduce((least, end) => Math.min(least, end), MAX_FRAME_NUMBER),
    high: ends.reduce((most, end) => Math.max(most, end), -MAX_FRAME_NUMBER),
  };
}

const MOVES: readonly (readonly [kinds: readonly ChosenFrames['kind'][], move: () => RawBuilder<unknown>])[] =
  [
    [['skip'], leaveOut],
    [['retry', 'remake'], renderAgain],
    [['accept'], takeAsItIs],
    [['wait'], waitAgain],
  ];

function leaveOut(): RawBuilder<unknown> {
  return sql`${decide('skipped')},
  moved AS (
    UPDATE frames f SET state = 'skipped', retry_at = NULL, task_key = NULL, error = w.error
    FROM walked w WHERE f.ctid = w.tid
    RETURNING f.step_key, w.state AS from_state, f.state AS to_state, w.seconds
  )`;
}

/**
 * Open again: generation + 1, no failures, no result; whose result was not good enough, for another worker. Objects of earlier
 * results stay in the store.
 */
function renderAgain(): RawBuilder<unknown> {
  const goesOn = sql`(w.let_go AND w.state = 'held')`;
  return sql`${decide('retried')}, ${keepResults()},
  outputs AS (
    DELETE FROM frame_outputs o USING walked w WHERE o.step_key = w.key AND o.number = w.number
  ),
  moved AS (
    UPDATE frames f SET state = w.entry, generation = f.generation + (NOT ${goesOn})::int, failures = 0, losses = 0,
      memory_bytes = NULL, retry_at = NULL, task_key = CASE WHEN ${goesOn} THEN f.task_key END, attempt = NULL, worker = NULL,
      seconds = NULL, peak_memory_bytes = NULL, bytes = NULL, sha256 = NULL, object_key = NULL, warnings = NULL, error = NULL,
      verdict = NULL, findings = NULL, avoid_worker = CASE
        WHEN w.state = 'held' AND w.verdict IS NOT NULL THEN f.worker WHEN ${goesOn} THEN f.avoid_worker END
    FROM walked w WHERE f.ctid = w.tid
    RETURNING f.step_key, w.state AS from_state, f.state AS to_state, w.seconds
  )`;
}

/** A person takes results that did not pass their checks: what was found stays with them. */
function takeAsItIs(): RawBuilder<unknown> {
  return sql`${decide('accepted')},
  moved AS (
    UPDATE frames f SET state = 'done', verdict = 'warn', error = NULL, retry_at = NULL
    FROM walked w WHERE f.ctid = w.tid AND f.verdict IS NOT NULL
    RETURNING f.step_key, w.state AS from_state, f.state AS to_state, w.seconds
  )`;
}

/** Only those that wait for something which is open again: of whole steps, and frame by frame. */
function waitAgain(): RawBuilder<unknown> {
  return sql`moved AS (
    UPDATE frames f SET state = 'waiting', retry_at = NULL FROM walked w
    WHERE f.ctid = w.tid AND EXISTS (
      SELECT 1 FROM step_dependencies d WHERE d.step_key = w.key AND (
        (d.kind = 'all' AND EXISTS (SELECT 1 FROM steps u WHERE u.key = d.depends_on
          AND (u.waiting + u.ready + u.queued + u.running + u.held > 0 OR u.frames_expanded < u.frame_total)))
        OR (d.kind = 'frame' AND EXISTS (SELECT 1 FROM frames u WHERE u.step_key = d.depends_on
          AND u.number BETWEEN w.number + d.frame_offset - d.frame_window AND w.number + d.frame_offset + d.frame_window
          AND u.state NOT IN ('done', 'skipped')))))
    RETURNING f.step_key, w.state AS from_state, f.state AS to_state, w.seconds
  )`;
}
