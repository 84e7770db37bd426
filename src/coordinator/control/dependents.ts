import { sql } from 'kysely';
import type { FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import { endTasks, type EndedTask } from '../ledger/end-tasks.ts';
import type { ControlContext, DroppedFrames } from './control-context.ts';

export interface StepLinks {
  /** Steps that take one of the given ones as an input, such as a video of them, and what is made from those. */
  madeFrom: string[];
  /** Steps that only wait for one of the given ones, or for what is made from them. */
  waitingFor: string[];
}

/** Which steps of the job depend on the given ones, and how. */
export async function linksOf(
  { trx, infos, steps }: ControlContext,
  stepKeys: readonly string[],
): Promise<StepLinks> {
  const known = await infos.load(steps.map((step) => step.key));
  const names = new Set(steps.filter((step) => stepKeys.includes(step.key)).map((step) => step.name));
  const madeFrom = new Set<string>();
  for (let before = -1; before !== madeFrom.size;) {
    before = madeFrom.size;
    for (const step of steps) {
      const inputs = Object.values(known.get(step.key)?.spec.inputs ?? {});
      if (!inputs.some((input) => names.has(input.step)) || stepKeys.includes(step.key)) continue;
      madeFrom.add(step.key);
      names.add(step.name);
    }
  }
  const { rows } = await sql<{ step_key: string }>`
    SELECT DISTINCT step_key FROM step_dependencies
    WHERE depends_on = ANY(${[...stepKeys, ...madeFrom]}::bigint[]) AND step_key = ANY(${steps.map((step) => step.key)}::bigint[])`.execute(
    trx,
  );
  const waitingFor = rows
    .map((row) => row.step_key)
    .filter((key) => !madeFrom.has(key) && !stepKeys.includes(key));
  return { madeFrom: [...madeFrom], waitingFor };
}

/** How many results would be asked for again because they are made from other frames. */
export async function countMade({ trx }: ControlContext, madeFrom: readonly string[]): Promise<number> {
  if (madeFrom.length === 0) return 0;
  const { rows } = await sql<{ frames: number }>`
    SELECT COALESCE(sum(done + failed + skipped + queued + running), 0)::int AS frames
    FROM steps WHERE key = ANY(${[...madeFrom]}::bigint[])`.execute(trx);
  return rows[0]?.frames ?? 0;
}

/**
 * Ends what is under way of steps whose inputs change: their tasks are taken back, and workers that render them leave the
 * frames out. The frames are `ready` afterwards.
 */
export async function stopMaking(
  { trx, infos }: ControlContext,
  madeFrom: readonly string[],
): Promise<{ removed: EndedTask[]; drops: DroppedFrames[] }> {
  if (madeFrom.length === 0) return { removed: [], drops: [] };
  const { rows } = await sql<{
    key: string;
    attempt: string | null;
    worker: string | null;
    frames: number[];
  }>`
    SELECT key, attempt, worker, frames FROM tasks
    WHERE step_key = ANY(${[...madeFrom]}::bigint[]) AND state IN ('queued', 'running')`.execute(trx);
  if (rows.length === 0) return { removed: [], drops: [] };
  const { ended } = await endTasks(trx, infos, rows, {
    outcome: 'cancelled',
    blame: 'none',
    delaySeconds: 0,
    mayBeHeld: false,
    error: 'What it is made from is rendered again.',
  });
  const drops = rows.flatMap(({ worker, attempt, frames }) =>
    worker === null || attempt === null ? [] : [{ worker, attempt, frames }],
  );
  return { removed: ended, drops };
}

/** Frames that have not begun wait again for what is open again: of whole steps, and frame by frame. */
export async function waitAgain({ trx }: ControlContext, waitingFor: readonly string[]): Promise<void> {
  if (waitingFor.length === 0) return;
  const keys = [...waitingFor];
  const { rows } = await sql<{ step_key: string; frames: number }>`
    WITH moved AS (
      UPDATE frames f SET state = 'waiting', retry_at = NULL
      WHERE f.step_key = ANY(${keys}::bigint[]) AND f.state = 'ready' AND EXISTS (
        SELECT 1 FROM step_dependencies d WHERE d.step_key = f.step_key AND (
          (d.kind = 'all' AND EXISTS (SELECT 1 FROM steps u WHERE u.key = d.depends_on
            AND (u.waiting + u.ready + u.queued + u.running + u.held > 0 OR u.frames_expanded < u.frame_total)))
          OR (d.kind = 'frame' AND EXISTS (SELECT 1 FROM frames u WHERE u.step_key = d.depends_on
            AND u.number BETWEEN f.number + d.frame_offset - d.frame_window AND f.number + d.frame_offset + d.frame_window
            AND u.state NOT IN ('done', 'skipped')))))
      RETURNING f.step_key
    )
    SELECT step_key, count(*)::int AS frames FROM moved GROUP BY step_key`.execute(trx);
  const deltas = new CountDeltas();
  for (const row of rows) deltas.move(row.step_key, 'ready', 'waiting', row.frames);
  await deltas.write(trx);
  // Further frames of a large step that is still being written.
  await sql`UPDATE steps SET entry_state = 'waiting'
    WHERE key = ANY(${keys}::bigint[]) AND entry_state = 'ready' AND frames_expanded < frame_total`.execute(
    trx,
  );
}

/** Rows that a statement moved, by step, told to the steps' counts. */
export interface MovedRow {
  step_key: string;
  from: FrameState;
  to: FrameState;
  frames: number;
  /** Of frames that were done. */
  seconds: number;
}

export async function writeMoved(
  { trx }: Pick<ControlContext, 'trx'>,
  rows: readonly MovedRow[],
): Promise<void> {
  const deltas = new CountDeltas();
  for (const row of rows) {
    deltas.move(row.step_key, row.from, row.to, row.frames);
    if (row.seconds !== 0) deltas.addSeconds(row.step_key, -row.seconds);
  }
  await deltas.write(trx);
}
