import { sql } from 'kysely';
import type { FrameChange, ResumeRequest } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { TaskState } from '../../shared/database/schema.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { frameByKey } from '../ledger/frame-by-key.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { jobsToSettle, settleJobs } from '../ledger/settle-jobs.ts';
import { planResume, type AskedFrame, type HeldBy, type ResumePlan } from './resume-plan.ts';

interface TaskRow {
  key: string;
  step_key: string;
  step: string;
  state: TaskState;
  worker: string | null;
  attempt: string | null;
  paused: boolean;
}

export interface Adopted extends ResumePlan {
  changes: FrameChange[];
}

/**
 * Works out which frames an attempt goes on with, and makes it their holder again, also after its task was given up.
 * @returns undefined when there is no such task in the job.
 */
export async function adoptAttempt(
  ledger: Ledger,
  workerId: string,
  taskKey: string,
  request: ResumeRequest,
  heldBy: HeldBy,
): Promise<Adopted | undefined> {
  return ledger.transaction().execute(async (trx) => {
    await lockJobs(trx, [request.jobId]);
    const task = await readTask(trx, request.jobId, taskKey);
    if (!task) return undefined;
    const frames = await readFrames(
      trx,
      task.step_key,
      request.frames.map((frame) => frame.number),
    );
    const ownedElsewhere =
      task.state === 'running' &&
      task.attempt !== null &&
      task.attempt !== request.attempt &&
      task.worker !== null &&
      heldBy(task.worker, task.attempt) !== undefined;
    const plan = planResume(request, { key: task.key, ownedElsewhere }, frames, task, heldBy);
    if (plan.wanted.length === 0) return { ...plan, changes: [] };
    const changes = await adopt(trx, task, workerId, request, plan.wanted);
    return { ...plan, changes };
  });
}

async function readTask(trx: LedgerTransaction, jobId: string, key: string): Promise<TaskRow | undefined> {
  return trx
    .selectFrom('tasks')
    .innerJoin('steps', 'steps.key', 'tasks.step_key')
    .innerJoin('jobs', 'jobs.id', 'tasks.job_id')
    .select([
      'tasks.key',
      'tasks.step_key',
      'steps.name as step',
      'tasks.state',
      'tasks.worker',
      'tasks.attempt',
    ])
    .select('jobs.paused')
    .where('tasks.key', '=', key)
    .where('tasks.job_id', '=', jobId)
    .executeTakeFirst();
}

async function readFrames(trx: LedgerTransaction, stepKey: string, numbers: number[]): Promise<AskedFrame[]> {
  const { rows } = await sql<{
    number: number;
    generation: number;
    state: FrameState;
    key: string | null;
    task_state: TaskState | null;
    worker: string | null;
    attempt: string | null;
    frames: number[] | null;
  }>`
    SELECT f.number, f.generation, f.state, t.key, t.state AS task_state, t.worker, t.attempt, t.frames
    FROM frames f LEFT JOIN tasks t ON t.key = f.task_key
    WHERE f.step_key = ${stepKey} AND f.number = ANY(${numbers}::int[])`.execute(trx);
  return rows.map(({ number, generation, state, key, task_state, worker, attempt, frames }) => ({
    number,
    generation,
    state,
    holder:
      key === null || task_state === null
        ? null
        : { key, state: task_state, worker, attempt, frames: frames ?? [] },
  }));
}

async function adopt(
  trx: LedgerTransaction,
  task: TaskRow,
  workerId: string,
  request: ResumeRequest,
  wanted: number[],
): Promise<FrameChange[]> {
  await sql`UPDATE tasks SET state = 'running', outcome = NULL, ended_at = NULL, worker = ${workerId},
    instance = ${request.instance}, attempt = ${request.attempt}, started_at = COALESCE(started_at, now())
    WHERE key = ${task.key}`.execute(trx);
  await sql`INSERT INTO attempts (id, task_key, job_id, worker, instance)
    VALUES (${request.attempt}, ${task.key}, ${request.jobId}, ${workerId}, ${request.instance})
    ON CONFLICT (id) DO UPDATE SET outcome = NULL, error = NULL, fingerprint = NULL, ended_at = NULL`.execute(
    trx,
  );
  const underWay = request.current ?? wanted[0] ?? null;
  const { rows } = await sql<{ number: number; generation: number; from: FrameState; to: FrameState }>`
    WITH held AS MATERIALIZED (
      SELECT o.tid, o.state FROM unnest(${wanted}::int[]) AS n(number)
      CROSS JOIN LATERAL ${frameByKey(sql`${task.step_key}::bigint`, sql`n.number`)} o
    )
    UPDATE frames f SET state = CASE WHEN f.number = ${underWay}::int THEN 'running' ELSE 'queued' END::frame_state,
      task_key = ${task.key}, retry_at = NULL, worker = CASE WHEN f.number = ${underWay}::int THEN ${workerId} END
    FROM held h WHERE f.ctid = h.tid
    RETURNING f.number, f.generation, h.state AS "from", f.state AS "to"`.execute(trx);
  const deltas = new CountDeltas();
  for (const row of rows) deltas.move(task.step_key, row.from, row.to);
  await deltas.write(trx);
  const toSettle = await jobsToSettle(trx, deltas.stepKeys());
  if (toSettle.length > 0) await settleJobs(trx, toSettle);
  return rows.map(({ number, generation, to }) => ({
    step: task.step,
    number,
    generation,
    state: to,
    worker: workerId,
    seconds: null,
    error: null,
  }));
}
