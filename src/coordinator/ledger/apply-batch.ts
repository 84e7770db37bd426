import { sql } from 'kysely';
import type { FrameChange } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import {
  attemptsThatLive,
  concludeBatch,
  failedFrames,
  type BatchConclusions,
} from '../failures/conclude-batch.ts';
import type { FarmView } from '../failures/farm-view.ts';
import { fingerprintId } from '../failures/fingerprint.ts';
import { withdrawLosses } from '../failures/losses.ts';
import { acceptResults, type AcceptedFrame, type AttemptResult } from './accept-results.ts';
import { CountDeltas } from './count-deltas.ts';
import { lockJobs } from './cut-tasks.ts';
import type { StatusEvent } from './decode-status.ts';
import { frameByKey } from './frame-by-key.ts';
import { framesUnderWay, type FrameUnderWay } from './frames-under-way.ts';
import type { LedgerTransaction } from './job-repository.ts';
import type { KnownResults } from './known-results.ts';
import { planBatch, type AttemptChange, type BatchPlan, type TaskRow } from './plan-batch.ts';
import { releaseFrames, type MovedFrame } from './release-frames.ts';
import { jobsToSettle, settleJobs } from './settle-jobs.ts';
import type { StepInfo, StepInfos } from './step-info.ts';
import { releaseAfter } from '../dependencies/release-by-frame.ts';
import { holdText } from '../quality/judge-result.ts';
import { judgeResults, type Judgements } from '../quality/judge-results.ts';
import { recordResults } from '../quality/record-results.ts';

/** What came of a batch, after the commit. */
export interface AppliedBatch {
  plan: BatchPlan;
  tasks: ReadonlyMap<string, TaskRow>;
  /** By job; null when frames changed that are not listed. */
  changes: Map<string, FrameChange[] | null>;
  /** Frames that were accepted while another task held them. */
  takenFromOthers: AcceptedFrame[];
  /** Results that changed nothing. */
  stale: number;
  conclusions: BatchConclusions;
  /** Results were among them that their workers had looked at. */
  judged: boolean;
}

/** Applies a batch of statuses in one transaction with one statement of each kind. Applying it again changes nothing. */
export async function applyBatch(
  ledger: Ledger,
  steps: StepInfos,
  events: readonly StatusEvent[],
  farm: FarmView,
  known: KnownResults,
): Promise<AppliedBatch> {
  const jobIds = [...new Set(events.map((event) => event.jobId))];
  const applied = await ledger.transaction().execute(async (trx) => {
    await lockJobs(trx, jobIds);
    const tasks = await readTasks(trx, steps, events);
    const plan = planBatch(events, tasks, farm, known);
    const withdrawn = await withdrawLosses(trx, attemptsThatLive(events, tasks));
    await writeTasks(trx, plan);
    const judgements = await judgeResults(trx, steps, plan.results);
    const accepted = await acceptResults(trx, plan.results, judgements);
    const results = takenBy(accepted, plan);
    await recordResults(trx, steps, accepted, results, judgements);
    const infos = await steps.load([...new Set(accepted.map((frame) => frame.step_key))]);
    const letGo = await releaseAfter(
      trx,
      accepted.filter(
        (frame) => frame.to === 'done' && infos.get(frame.step_key)?.hasFrameDependents === true,
      ),
    );
    const released = await releaseFrames(trx, plan.endings);
    const started = await startFrames(trx, framesUnderWay(plan, tasks));
    await writeAttempts(trx, plan, accepted, failedFrames(plan, released));
    await writeJobErrors(trx, withHolds(plan, accepted, results, judgements, infos));
    const deltas = countDeltas(started, accepted, released, results);
    await deltas.write(trx);
    const toSettle = await jobsToSettle(trx, deltas.stepKeys());
    const further = toSettle.length > 0 ? await settleJobs(trx, toSettle) : new Set<string>();
    const conclusions = await concludeBatch(trx, { steps, farm, plan, tasks, results }, accepted, released);
    for (const jobId of [...withdrawn, ...conclusions.jobs, ...letGo.map((frames) => frames.jobId)])
      further.add(jobId);
    return {
      plan,
      tasks,
      accepted,
      results,
      changes: await changesByJob(steps, { started, accepted, released, results, plan, judgements, further }),
      takenFromOthers: accepted.filter(
        (frame) =>
          frame.task_key !== null &&
          frame.task_key !== results.get(`${frame.step_key}/${frame.number}`)?.taskKey,
      ),
      stale: plan.results.length - accepted.length,
      conclusions,
      judged: judgements.size > 0,
    };
  });
  known.note(applied.plan, applied.accepted, applied.results);
  return applied;
}

/** By frame, the results that were taken: of two generations of a frame in one batch only one is. */
function takenBy(accepted: readonly AcceptedFrame[], plan: BatchPlan): Map<string, AttemptResult> {
  const generations = new Map(
    accepted.map((frame) => [`${frame.step_key}/${frame.number}`, frame.generation]),
  );
  return new Map(
    plan.results.flatMap((taken) => {
      const key = `${taken.stepKey}/${taken.result.number}`;
      return generations.get(key) === taken.result.generation ? [[key, taken] as const] : [];
    }),
  );
}

/** The newest failure of each job; frames that wait for a person say more. */
function withHolds(
  plan: BatchPlan,
  accepted: readonly AcceptedFrame[],
  results: ReadonlyMap<string, AttemptResult>,
  judgements: Judgements,
  infos: ReadonlyMap<string, StepInfo>,
): ReadonlyMap<string, string> {
  const held = accepted.filter((frame) => frame.to === 'held');
  if (held.length === 0) return plan.jobErrors;
  const errors = new Map(plan.jobErrors);
  for (const { step_key, number } of held) {
    const taken = results.get(`${step_key}/${number}`);
    const info = infos.get(step_key);
    if (taken && info && judgements.get(taken)?.becomes === 'held')
      errors.set(
        info.jobId,
        `Frame ${number}: ${holdText(judgements.get(taken)?.findings ?? [])}`.slice(0, 1_000),
      );
  }
  return errors;
}

async function readTasks(
  trx: LedgerTransaction,
  steps: StepInfos,
  events: readonly StatusEvent[],
): Promise<Map<string, TaskRow>> {
  const keys = [...new Set(events.map((event) => event.taskKey))];
  const rows = await trx
    .selectFrom('tasks as t')
    .innerJoin('steps as s', 's.key', 't.step_key')
    .select(['t.key', 't.step_key', 't.job_id', 't.engine', 't.lane', 't.state', 't.outcome', 't.frames'])
    .select(['t.generations', 't.worker', 't.instance', 't.attempt', 't.slots'])
    .select(sql<boolean>`s.hold_reason IS NOT NULL`.as('held'))
    .where('t.key', '=', sql<string>`ANY(${keys}::bigint[])`)
    .modifyFront(sql`/* prepared */`)
    .execute();
  const infos = await steps.load([...new Set(rows.map((row) => row.step_key))]);
  return new Map(
    rows.flatMap((row) => {
      const info = infos.get(row.step_key);
      return info
        ? [[row.key, { ...row, step: info.name, maxAttempts: info.spec.maxAttempts }] as const]
        : [];
    }),
  );
}

async function writeTasks(trx: LedgerTransaction, plan: BatchPlan): Promise<void> {
  const changes = [...plan.tasks.values()];
  if (changes.length === 0) return;
  await sql`/* prepared */
    UPDATE tasks t SET state = n.state, outcome = n.outcome, worker = n.worker, instance = n.instance, attempt = n.attempt,
      started_at = COALESCE(t.started_at, now()), ended_at = CASE WHEN n.state = 'ended' THEN now() END
    FROM unnest(
      ${changes.map((task) => task.key)}::bigint[], ${changes.map((task) => task.state)}::text[],
      ${changes.map((task) => task.outcome)}::text[], ${changes.map((task) => task.worker)}::text[],
      ${changes.map((task) => task.instance)}::text[], ${changes.map((task) => task.attempt)}::text[]
    ) AS n(key, state, outcome, worker, instance, attempt)
    WHERE t.key = n.key`.execute(trx);
}

type StartedFrame = Pick<MovedFrame, 'step_key' | 'number' | 'generation'> & { worker: string };

async function startFrames(
  trx: LedgerTransaction,
  frames: readonly FrameUnderWay[],
): Promise<StartedFrame[]> {
  if (frames.length === 0) return [];
  const { rows } = await sql<StartedFrame>`/* prepared */
    WITH next AS MATERIALIZED (
      SELECT f.tid, t.worker
      FROM unnest(${frames.map((frame) => frame.taskKey)}::bigint[], ${frames.map((frame) => frame.number)}::int[])
        AS n(task_key, number) JOIN tasks t ON t.key = n.task_key
      CROSS JOIN LATERAL ${frameByKey(sql`t.step_key`, sql`n.number`)} f
      WHERE f.task_key = t.key AND f.state = 'queued'
    )
    UPDATE frames f SET state = 'running', worker = n.worker FROM next n WHERE f.ctid = n.tid
    RETURNING f.step_key, f.number, f.generation, n.worker`.execute(trx);
  return rows;
}

async function writeAttempts(
  trx: LedgerTransaction,
  plan: BatchPlan,
  accepted: readonly AcceptedFrame[],
  blamed: ReadonlyMap<string, number>,
): Promise<void> {
  const attempts = [...plan.attempts.values()];
  if (attempts.length === 0) return;
  const taken = new Set(accepted.map((frame) => `${frame.step_key}/${frame.number}`));
  const done = new Map<string, number>();
  for (const r of plan.results)
    if (taken.has(`${r.stepKey}/${r.result.number}`)) done.set(r.attempt, (done.get(r.attempt) ?? 0) + 1);
  await sql`/* prepared */
    INSERT INTO attempts AS a (id, task_key, job_id, worker, instance, outcome, class, error, fingerprint, frame, frames_done, log_key, definition, ended_at)
    SELECT n.id, n.task_key, n.job_id, n.worker, n.instance, n.outcome, n.class, n.error, n.fingerprint, n.frame, n.done, n.log_key, n.definition,
      CASE WHEN n.outcome IS NOT NULL THEN now() END
    FROM unnest(
      ${attempts.map((a) => a.id)}::text[], ${attempts.map((a) => a.taskKey)}::bigint[], ${attempts.map((a) => a.jobId)}::text[],
      ${attempts.map((a) => a.worker)}::text[], ${attempts.map((a) => a.instance)}::text[],
      ${attempts.map((a) => a.outcome)}::text[], ${attempts.map((a) => a.class)}::text[], ${attempts.map((a) => a.error)}::text[],
      ${attempts.map((a) => blamed.get(a.id) ?? null)}::int[], ${attempts.map((a) => done.get(a.id) ?? 0)}::int[], ${attempts.map((a) => a.logKey)}::text[],
      ${attempts.map((a) => a.definition)}::text[], ${attempts.map(reasonOf)}::text[]
    ) AS n(id, task_key, job_id, worker, instance, outcome, class, error, frame, done, log_key, definition, fingerprint)
    ON CONFLICT (id) DO UPDATE SET
      outcome = CASE WHEN a.outcome IS NULL OR a.outcome = 'lost' THEN COALESCE(excluded.outcome, a.outcome) ELSE a.outcome END,
      class = COALESCE(a.class, excluded.class), error = COALESCE(a.error, excluded.error),
      fingerprint = COALESCE(a.fingerprint, excluded.fingerprint), frame = COALESCE(a.frame, excluded.frame),
      frames_done = a.frames_done + excluded.frames_done, log_key = COALESCE(a.log_key, excluded.log_key),
      definition = COALESCE(a.definition, excluded.definition), ended_at = COALESCE(excluded.ended_at, a.ended_at)`.execute(
    trx,
  );
}

/** Names why an attempt failed; null for one that did not. */
function reasonOf({ outcome, class: failure, error }: AttemptChange): string | null {
  if (outcome !== 'failed' && outcome !== 'rejected') return null;
  return fingerprintId(failure ?? 'rejected', error ?? '');
}

/** Why a step is held says more than the next failure. */
async function writeJobErrors(trx: LedgerTransaction, errors: ReadonlyMap<string, string>): Promise<void> {
  if (errors.size === 0) return;
  await sql`UPDATE jobs j SET error = n.error
    FROM unnest(${[...errors.keys()]}::text[], ${[...errors.values()]}::text[]) AS n(id, error)
    WHERE j.id = n.id AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.job_id = j.id AND s.hold_reason IS NOT NULL)`.execute(
    trx,
  );
}

function countDeltas(
  started: readonly StartedFrame[],
  accepted: readonly AcceptedFrame[],
  released: readonly MovedFrame[],
  results: ReadonlyMap<string, AttemptResult>,
): CountDeltas {
  const deltas = new CountDeltas();
  for (const frame of started) deltas.move(frame.step_key, 'queued', 'running');
  for (const frame of accepted) {
    deltas.move(frame.step_key, frame.from, frame.to);
    if (frame.to === 'done')
      deltas.addSeconds(
        frame.step_key,
        results.get(`${frame.step_key}/${frame.number}`)?.result.seconds ?? 0,
      );
  }
  for (const frame of released) deltas.move(frame.step_key, frame.from, frame.to);
  return deltas;
}

async function changesByJob(
  steps: StepInfos,
  applied: {
    started: readonly StartedFrame[];
    accepted: readonly AcceptedFrame[];
    released: readonly MovedFrame[];
    results: ReadonlyMap<string, AttemptResult>;
    plan: BatchPlan;
    judgements: Judgements;
    further: ReadonlySet<string>;
  },
): Promise<Map<string, FrameChange[] | null>> {
  const { started, accepted, released, results, judgements } = applied;
  const infos = await steps.load([
    ...new Set([...started, ...accepted, ...released].map((frame) => frame.step_key)),
  ]);
  const changes = new Map<string, FrameChange[] | null>();
  for (const attempt of applied.plan.attempts.values()) changes.set(attempt.jobId, []);
  for (const jobId of applied.further) changes.set(jobId, null);
  const add = (stepKey: string, change: Omit<FrameChange, 'step'>): void => {
    const info = infos.get(stepKey);
    if (info) changes.get(info.jobId)?.push({ step: info.name, ...change });
  };
  const none = { worker: null, seconds: null, error: null };
  for (const { step_key, number, generation, worker } of started)
    add(step_key, { ...none, number, generation, state: 'running', worker });
  for (const { step_key, number, generation, to } of accepted) {
    const taken = results.get(`${step_key}/${number}`);
    if (!taken) continue;
    if (to === 'ready') add(step_key, { ...none, number, generation: generation + 1, state: to });
    else {
      const judged = judgements.get(taken);
      const error = judged?.becomes === 'held' ? holdText(judged.findings) : null;
      add(step_key, {
        number,
        generation,
        state: to,
        worker: taken.worker,
        seconds: taken.result.seconds,
        error,
      });
    }
  }
  for (const { step_key, number, generation, to, error } of released)
    add(step_key, { ...none, number, generation, state: to, error });
  return changes;
}
