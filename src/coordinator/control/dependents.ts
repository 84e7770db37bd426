import { sql } from 'kysely';
import type { ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import { endTasks, type EndedTask } from '../ledger/end-tasks.ts';
import type { ControlContext, DroppedFrames } from './control-context.ts';
import type { ChosenOfStep } from './move-chosen.ts';

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
      if (
        !inputs.some((input) => input.job === undefined && names.has(input.step)) ||
        stepKeys.includes(step.key)
      )
        continue;
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

/**
 * What follows for steps that depend on frames which are open again: what is made from them is made again, and what only
 * waits for them waits again where it has not begun. Frames that a large step has still to be written come in so, too.
 * @returns which frames that concerns, and how many they are at most.
 */
export async function followUps(
  { trx, steps }: Pick<ControlContext, 'trx' | 'steps'>,
  { madeFrom, waitingFor }: StepLinks,
): Promise<{ chosen: ChosenOfStep[]; frames: number }> {
  if (waitingFor.length > 0)
    await sql`UPDATE steps SET entry_state = 'waiting'
      WHERE key = ANY(${waitingFor}::bigint[]) AND entry_state = 'ready' AND frames_expanded < frame_total`.execute(
      trx,
    );
  const made = new Set(madeFrom);
  const waiting = new Set(waitingFor);
  return {
    chosen: [
      ...madeFrom.map((key) => ({ key, chosen: follows('remake', ['ready', 'done', 'failed', 'skipped']) })),
      ...waitingFor.map((key) => ({ key, chosen: follows('wait', ['ready']) })),
    ],
    frames: steps.reduce((sum, { key, ready, queued, running, done, failed, skipped }) => {
      const open = ready + queued;
      if (made.has(key)) return sum + open + running + done + failed + skipped;
      return waiting.has(key) ? sum + open : sum;
    }, 0),
  };
}

const follows = (kind: 'remake' | 'wait', states: readonly FrameState[]): ChosenFrames => ({
  kind,
  states,
  runs: null,
  forOthers: false,
  letGo: false,
  error: null,
});
