import { sql } from 'kysely';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { BatchPlan, TaskRow } from '../ledger/plan-batch.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { scriptsReason } from './hold-decision.ts';
import { holdStep, SCRIPTS, type HeldStep } from './hold-steps.ts';

interface Question {
  stepKey: string;
  worker: string;
  number: number;
  message: string;
}

/**
 * Holds steps of which a worker says that their scene's scripts were not run, until a person decides. Whoever has answered
 * is not asked again. The jobs are locked by the caller.
 */
export async function holdForScripts(
  trx: LedgerTransaction,
  infos: StepInfos,
  plan: BatchPlan,
  tasks: ReadonlyMap<string, TaskRow>,
): Promise<HeldStep[]> {
  const questions = new Map<string, Question>();
  for (const ending of plan.endings) {
    const task = tasks.get(ending.taskKey);
    if (ending.class !== 'untrusted-scripts' || !task) continue;
    const { step_key: stepKey, frames } = task;
    const message = ending.error ?? 'Its scripts were not run.';
    questions.set(stepKey, { stepKey, worker: ending.worker ?? '', number: frames[0] ?? 0, message });
  }
  if (questions.size === 0) return [];
  const steps = await infos.load([...questions.keys()]);
  const held: HeldStep[] = [];
  for (const { key } of await openQuestions(trx, [...questions.values()])) {
    const [step, question] = [steps.get(key), questions.get(key)];
    if (!step || !question) continue;
    const one = await holdStep(trx, infos, step, scriptsReason(step.jobId, question.message));
    if (one) held.push(one);
  }
  return held;
}

/** Remembers what is asked, of steps of which nobody has answered it and that are not held. */
async function openQuestions(
  trx: LedgerTransaction,
  questions: readonly Question[],
): Promise<{ key: string }[]> {
  const column = <T>(pick: (question: Question) => T): T[] => questions.map(pick);
  const { rows } = await sql<{ key: string }>`
    WITH open_step AS MATERIALIZED (
      SELECT s.key, n.worker, n.number, n.message
      FROM unnest(${column((q) => q.stepKey)}::bigint[], ${column((q) => q.worker)}::text[],
        ${column((q) => q.number)}::int[], ${column((q) => q.message)}::text[]) AS n(step_key, worker, number, message)
      JOIN steps s ON s.key = n.step_key
      WHERE s.trust_scripts IS NULL AND s.hold_reason IS NULL
    ),
    asked AS (
      INSERT INTO step_failures (step_key, fingerprint, worker, number, message)
      SELECT key, ${SCRIPTS}, worker, number, message FROM open_step ON CONFLICT DO NOTHING
    )
    SELECT key FROM open_step ORDER BY key`.execute(trx);
  return rows;
}
