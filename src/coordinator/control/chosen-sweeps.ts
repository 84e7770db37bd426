import { sql } from 'kysely';
import type { ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import { isChosenSweep } from '../../shared/domain/states.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import {
  nothing,
  refused,
  type ControlContext,
  type ControlOutcome,
  type ControlledStep,
} from './control-context.ts';
import { moveChosen, type ChosenOfStep } from './move-chosen.ts';
import { SWEEP_FRAMES } from './sweep-frames.ts';

/**
 * Does to chosen frames what was asked: at once when they are few, otherwise slice by slice by the frame sweeper, behind
 * what is to be done to their steps already. The job is settled by the caller.
 * @param frames how many are looked at.
 * @param undone steps of which this undoes what was chosen before.
 */
export async function beginChosen(
  { trx }: Pick<ControlContext, 'trx'>,
  steps: readonly ChosenOfStep[],
  frames: number,
  undone: readonly string[] = [],
): Promise<void> {
  if (undone.length > 0) await endChoices(trx, undone);
  if (isFew(frames)) await moveChosen(trx, steps, SWEEP_FRAMES + 1);
  else await append(trx, steps);
}

/** So few frames are moved in the transaction that asks for it. */
export const isFew = (frames: number): boolean => frames <= SWEEP_FRAMES;

async function append(trx: LedgerTransaction, steps: readonly ChosenOfStep[]): Promise<void> {
  const byStep = Map.groupBy(steps, ({ key }) => key);
  const added = [...byStep].map(([key, ofStep]) => ({ key, frames: ofStep.map(({ chosen }) => chosen) }));
  await sql`UPDATE steps s SET sweep_frames = COALESCE(s.sweep_frames, '[]') || n.frames,
      sweep = COALESCE(s.sweep, n.frames->0->>'kind')
    FROM jsonb_to_recordset(${JSON.stringify(added)}::jsonb) AS n(key bigint, frames jsonb)
    WHERE s.key = n.key`.execute(trx);
}

/** The next slice of the step's first choice; after its last one the next choice, if there is one, comes first. */
export async function sweepChosen(trx: LedgerTransaction, jobId: string, stepKey: string): Promise<void> {
  const { rows } = await sql<{ after: number | null; chosen: ChosenFrames | null }>`
    SELECT sweep_after AS after, sweep_frames->0 AS chosen FROM steps WHERE key = ${stepKey}`.execute(trx);
  const [row] = rows;
  if (!row?.chosen) throw new Error(`Step ${stepKey} is swept, but it is not said what of it`);
  const { after, chosen } = row;
  const passes = await moveChosen(trx, [{ key: stepKey, chosen, after }], SWEEP_FRAMES);
  const last = passes.get(stepKey) ?? null;
  if (last === null)
    await sql`UPDATE steps SET sweep_after = NULL, sweep = sweep_frames->1->>'kind',
        sweep_frames = NULLIF(sweep_frames - 0, '[]') WHERE key = ${stepKey}`.execute(trx);
  else await sql`UPDATE steps SET sweep_after = ${last} WHERE key = ${stepKey}`.execute(trx);
  await settleJobs(trx, [jobId]);
}

/** What of a wish is left to do beside what is being done already. */
export interface Beside {
  wanted: readonly ChosenOfStep[];
  /** Steps of which the wish undoes an earlier one: that ends where it is. */
  undone: readonly string[];
}

/**
 * Holds a wish against what is still being done to the same steps. The same wish a second time is nothing new; of the same
 * frames the opposite undoes the first; anything else that could come to the same frames waits until the first is through,
 * and so is refused.
 * @param found steps that have frames of the kind.
 */
export function besideOthers(
  { steps }: Pick<ControlContext, 'steps'>,
  asked: readonly ChosenOfStep[],
  found: ReadonlySet<string>,
  frames: number,
): Beside | { answer: ControlOutcome } {
  const byKey = new Map(steps.map((step) => [step.key, step]));
  const judged = asked.map((one) => ({ one, is: judge(one.chosen, byKey.get(one.key), isFew(frames)) }));
  const undone = judged.flatMap(({ one, is }) => (is === 'undoes' ? [one.key] : []));
  const meant = judged.filter(({ one }) => found.has(one.key));
  const busy = meant.find(({ is }) => is === 'busy');
  if (busy) return { answer: refused(busyText(byKey.get(busy.one.key))) };
  const wanted = meant.filter(({ is }) => is !== 'already').map(({ one }) => one);
  if (wanted.length === 0 && undone.length === 0 && judged.some(({ is }) => is === 'already'))
    return { answer: nothing('That is being done to these frames already.') };
  return { wanted, undone };
}

/** What people choose; the rest follows from it. */
const ASKED: readonly ChosenFrames['kind'][] = ['retry', 'skip', 'accept'];

type Judgement = 'free' | 'already' | 'undoes' | 'busy';

function judge(chosen: ChosenFrames, step: ControlledStep | undefined, few: boolean): Judgement {
  // Where all frames come back or are held, this follows when that is through.
  if (!step || !isChosenSweep(step.sweep)) return 'free';
  const asked = (step.sweep_frames ?? []).filter(({ kind }) => ASKED.includes(kind));
  const same = asked.filter(({ runs }) => JSON.stringify(runs) === JSON.stringify(chosen.runs));
  if (same.some(({ kind }) => kind === chosen.kind)) return 'already';
  if (asked.some(({ kind }) => kind !== chosen.kind)) return same.length > 0 ? 'undoes' : 'busy';
  if (asked.length > 0) return few ? 'free' : 'busy';
  // What is made again would come back from being skipped.
  return step.sweep === 'remake' && chosen.kind === 'skip' ? 'busy' : 'free';
}

const busyText = (step: ControlledStep | undefined): string =>
  `Many frames of step ${step?.name ?? ''} are still being ${step?.sweep === 'skip' ? 'skipped' : step?.sweep === 'accept' ? 'accepted' : 'asked for again'}. Ask again in some seconds.`;

/** What is asked of these steps ends where it is; what follows from it for others of their frames is still done. */
async function endChoices(trx: LedgerTransaction, stepKeys: readonly string[]): Promise<void> {
  await sql`
    UPDATE steps s SET sweep_after = NULL, sweep = n.rest->0->>'kind', sweep_frames = NULLIF(n.rest, '[]')
    FROM (
      SELECT key, jsonb_path_query_array(sweep_frames, '$[*] ? (@.kind == "remake" || @.kind == "wait")') AS rest
      FROM steps WHERE key = ANY(${[...stepKeys]}::bigint[])
    ) n WHERE s.key = n.key`.execute(trx);
}
