import type { AcceptedFrame, AttemptResult } from '../ledger/accept-results.ts';
import type { StatusEvent } from '../ledger/decode-status.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { BatchPlan, TaskRow } from '../ledger/plan-batch.ts';
import type { MovedFrame } from '../ledger/release-frames.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { forgetWorkerFailures } from './failure-records.ts';
import type { FarmView } from './farm-view.ts';
import { unholdFrames } from './hold-steps.ts';
import { holdForScripts } from './hold-for-scripts.ts';
import { lowerLicences } from './licences.ts';
import { takeFailures, type HostFailure, type TakenFailures } from './take-failures.ts';

/** What a batch of statuses led to beyond its frames. */
export interface BatchConclusions extends TakenFailures {
  /** Jobs of which more changed than the batch's own frames. */
  jobs: string[];
  /** There was no licence for something: limits are lower now. */
  limitsLowered: boolean;
}

/** Attempts that were given up with their worker and report all the same: it had only been cut off. */
export function attemptsThatLive(
  events: readonly StatusEvent[],
  tasks: ReadonlyMap<string, TaskRow>,
): string[] {
  const alive = events.flatMap(({ taskKey, status, workerId }) => {
    const task = tasks.get(taskKey);
    const lost = task?.outcome === 'lost' && task.attempt === status.attempt && task.worker === workerId;
    return lost ? [status.attempt] : [];
  });
  return [...new Set(alive)];
}

/** By attempt, the frame that it failed with, where that is one. */
export function failedFrames(plan: BatchPlan, moved: readonly MovedFrame[]): Map<string, number> {
  const attempts = new Map(plan.endings.map((ending) => [ending.taskKey, ending]));
  return new Map(
    moved.flatMap((frame) => {
      const ending = attempts.get(frame.task_key);
      const attempt = ending?.attempt ?? null;
      if (!frame.blamed || attempt === null || ending?.blame === 'all') return [];
      return [[attempt, frame.number] as const];
    }),
  );
}

/** Draws the conclusions from a batch whose frames and counts are written; its jobs are locked. */
export async function concludeBatch(
  trx: LedgerTransaction,
  context: {
    steps: StepInfos;
    farm: FarmView;
    plan: BatchPlan;
    tasks: ReadonlyMap<string, TaskRow>;
    results: ReadonlyMap<string, AttemptResult>;
  },
  accepted: readonly AcceptedFrame[],
  moved: readonly MovedFrame[],
): Promise<BatchConclusions> {
  const { steps, farm, plan, tasks } = context;
  // What did not pass its checks is no success.
  const taken = accepted.flatMap((frame) =>
    frame.to === 'done' ? (context.results.get(`${frame.step_key}/${frame.number}`) ?? []) : [],
  );
  await forgetWorkerFailures(trx, farm.troubledAmong(taken.map(({ worker }) => worker)));
  const unheld = await letSuccessGoOn(trx, taken, tasks);
  const unlicensed = plan.endings.flatMap((ending) =>
    ending.class === 'licence' ? (tasks.get(ending.taskKey)?.step_key ?? []) : [],
  );
  await lowerLicences(trx, unlicensed);
  const failures = await takeFailures(
    trx,
    { steps, able: (step, version) => farm.able(step, version) },
    new Map(plan.endings.map((ending) => [ending.taskKey, ending])),
    moved,
    hostFailures(plan, tasks),
  );
  const held = [...failures.held, ...(await holdForScripts(trx, steps, plan, tasks))];
  return {
    ...failures,
    held,
    limitsLowered: unlicensed.length > 0,
    jobs: [...unheld, ...held.map(({ jobId }) => jobId)],
  };
}

/** A step that was held because none of its frames succeeded goes on when one of those under way does. */
async function letSuccessGoOn(
  trx: LedgerTransaction,
  taken: readonly AttemptResult[],
  tasks: ReadonlyMap<string, TaskRow>,
): Promise<string[]> {
  const held = new Map<string, Set<string>>();
  for (const { stepKey, taskKey } of taken) {
    const task = tasks.get(taskKey);
    if (task?.held !== true) continue;
    held.set(task.job_id, (held.get(task.job_id) ?? new Set()).add(stepKey));
  }
  for (const [jobId, keys] of held) await unholdFrames(trx, jobId, [...keys]);
  if (held.size > 0) await settleJobs(trx, [...held.keys()]);
  return [...held.keys()];
}

function hostFailures(plan: BatchPlan, tasks: ReadonlyMap<string, TaskRow>): HostFailure[] {
  return plan.endings.flatMap((ending) => {
    const task = tasks.get(ending.taskKey);
    const number = task?.frames[0];
    if (ending.class !== 'host' || !task || number === undefined || ending.worker === null) return [];
    const message = ending.error ?? 'No reason was given.';
    return [{ stepKey: task.step_key, number, worker: ending.worker, message, byHost: true as const }];
  });
}
