import { sql } from 'kysely';
import type { FrameChange } from '../../shared/contracts/messages.ts';
import type { TaskOutcome } from '../../shared/database/schema.ts';
import { fingerprintId } from '../failures/fingerprint.ts';
import { CountDeltas } from './count-deltas.ts';
import type { LedgerTransaction } from './job-repository.ts';
import {
  releaseFrames,
  type Blame,
  type Charge,
  type MovedFrame,
  type TaskEnding,
} from './release-frames.ts';
import { jobsToSettle, settleJobs } from './settle-jobs.ts';
import type { StepInfos } from './step-info.ts';

/** A task that somebody other than its worker ends, as it was when that was decided. */
export interface EndedTask {
  key: string;
  step_key: string;
  job_id: string;
  engine: string;
  lane: string;
  worker: string | null;
  attempt: string | null;
}

export type EndReason = Pick<TaskEnding, 'blame' | 'delaySeconds' | 'mayBeHeld' | 'error'> & {
  outcome: TaskOutcome;
  /** What blamed frames are charged with; by default a failed attempt. */
  charge?: Charge;
  /** Attempts that a frame has; by default those of its step. */
  maxAttempts?: number;
};

/**
 * Ends open tasks and gives their frames back. The jobs are locked by the caller. A task that another attempt has taken
 * meanwhile is left alone.
 * @param tasks each may say whom it blames, where that differs from the common reason.
 * @returns tasks that were ended, the frames that they gave back, and by job which frames changed.
 */
export async function endTasks(
  trx: LedgerTransaction,
  steps: StepInfos,
  tasks: readonly { key: string; attempt: string | null; blame?: Blame }[],
  reason: EndReason,
): Promise<{ ended: EndedTask[]; moved: MovedFrame[]; changes: Map<string, FrameChange[] | null> }> {
  const { rows: ended } = await sql<EndedTask>`
    UPDATE tasks t SET state = 'ended', outcome = ${reason.outcome}, ended_at = now()
    FROM unnest(${tasks.map((task) => task.key)}::bigint[], ${tasks.map((task) => task.attempt)}::text[]) AS n(key, attempt)
    WHERE t.key = n.key AND t.state IN ('queued', 'running') AND t.attempt IS NOT DISTINCT FROM n.attempt
    RETURNING t.key, t.step_key, t.job_id, t.engine, t.lane, t.worker, t.attempt`.execute(trx);
  if (ended.length === 0) return { ended, moved: [], changes: new Map() };
  await sql`UPDATE attempts SET outcome = ${reason.outcome}, error = COALESCE(error, ${reason.error}),
      fingerprint = ${fingerprintOf(reason)}, ended_at = now()
    WHERE id = ANY(${ended.flatMap((task) => task.attempt ?? [])}) AND outcome IS NULL`.execute(trx);
  const infos = await steps.load([...new Set(ended.map((task) => task.step_key))]);
  const blames = new Map(tasks.map((task) => [task.key, task.blame]));
  const moved = await releaseFrames(
    trx,
    ended.map((task) => ({
      taskKey: task.key,
      blame: blames.get(task.key) ?? reason.blame,
      charge: reason.charge ?? 'failure',
      memory: { hadBytes: null, largestBytes: null },
      delaySeconds: reason.delaySeconds,
      mayBeHeld: reason.mayBeHeld,
      attempt: task.attempt,
      worker: task.worker,
      error: reason.error,
      maxAttempts: reason.maxAttempts ?? infos.get(task.step_key)?.spec.maxAttempts ?? 1,
    })),
  );
  const deltas = new CountDeltas();
  const changes = new Map<string, FrameChange[] | null>(ended.map((task) => [task.job_id, []]));
  for (const { step_key, number, generation, from, to, error } of moved) {
    deltas.move(step_key, from, to);
    const info = infos.get(step_key);
    if (info)
      changes
        .get(info.jobId)
        ?.push({ step: info.name, number, generation, state: to, worker: null, seconds: null, error });
  }
  await deltas.write(trx);
  const toSettle = await jobsToSettle(trx, deltas.stepKeys());
  for (const jobId of toSettle.length > 0 ? await settleJobs(trx, toSettle) : []) changes.set(jobId, null);
  return { ended, moved, changes };
}

function fingerprintOf({ outcome, error }: EndReason): string | null {
  if (outcome === 'lost') return fingerprintId('loss', '');
  return outcome === 'failed' ? fingerprintId('rejected', error ?? '') : null;
}
