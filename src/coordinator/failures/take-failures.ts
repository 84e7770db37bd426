import type { FailureClass } from '../../shared/contracts/messages.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { MovedFrame } from '../ledger/release-frames.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { explainGivenUp } from './explain-failures.ts';
import { recordStepFailures, recordWorkerFailures, type FrameFailure } from './failure-records.ts';
import type { FarmView } from './farm-view.ts';
import { fingerprint } from './fingerprint.ts';
import { holdReason } from './hold-decision.ts';
import { holdStep, type HeldStep } from './hold-steps.ts';

/** A task that ended with failures, by whose word it may be. */
export interface FailedTask {
  worker: string | null;
  /** `loss`: its worker died. null: the worker gave no class. */
  class: FailureClass | 'loss' | null;
  error: string | null;
}

/** A failure that is nobody's but the machine's, by its worker's own word. */
export interface HostFailure extends FrameFailure {
  byHost: true;
}

export interface TakenFailures {
  held: HeldStep[];
  /** Workers of which failures are remembered now. */
  workers: string[];
}

/**
 * Draws the conclusions from frames that failed, after their counts are written: explains those that are given up,
 * remembers what steps and workers failed with, and holds steps that only fail. The jobs are locked by the caller.
 * @param tasks by key, those that gave back `moved`.
 * @param able workers that could render a step now, in the version that it has.
 */
export async function takeFailures(
  trx: LedgerTransaction,
  context: { steps: StepInfos; able: FarmView['able'] },
  tasks: ReadonlyMap<string, FailedTask>,
  moved: readonly MovedFrame[],
  hostFailures: readonly HostFailure[] = [],
): Promise<TakenFailures> {
  const blamed = moved.filter((frame) => frame.blamed);
  if (blamed.length === 0 && hostFailures.length === 0) return { held: [], workers: [] };
  const steps = await context.steps.load([...new Set(blamed.map((frame) => frame.step_key))]);
  await explainGivenUp(trx, blamed, steps);
  const failures = blamed.flatMap((frame) => failureOf(frame, tasks.get(frame.task_key)));
  const ofWorkers = [
    ...failures.filter((failure) => failure.class !== 'out-of-memory').map((f) => ({ ...f, byHost: false })),
    ...hostFailures,
  ];
  await recordWorkerFailures(trx, ofWorkers);
  const groups = await recordStepFailures(
    trx,
    failures.filter((failure) => failure.ofStep),
  );
  const held: HeldStep[] = [];
  for (const [key, found] of groups) {
    const step = steps.get(key);
    const [first] = found;
    if (!step || !first) continue;
    const reason = holdReason(found, context.able(step, first.engineVersion));
    if (reason === undefined) continue;
    const one = await holdStep(trx, context.steps, step, reason);
    if (one) held.push(one);
  }
  return { held, workers: [...new Set(ofWorkers.map(({ worker }) => worker))] };
}

interface ClassedFailure extends FrameFailure {
  class: FailureClass | 'loss';
  fingerprint: string;
  /** It counts against the step: a death counts there only once the frame is given up, since machines also lose power. */
  ofStep: boolean;
}

function failureOf(frame: MovedFrame, task: FailedTask | undefined): ClassedFailure[] {
  const worker = task?.worker ?? null;
  if (!task || worker === null) return [];
  // It is tried once more with more memory: that is not yet a failure.
  if (frame.charge === 'memory' && frame.to !== 'failed') return [];
  const message = task.error ?? 'No reason was given.';
  const failure = frame.charge === 'loss' ? 'loss' : (task.class ?? 'bad-output');
  return [
    {
      stepKey: frame.step_key,
      number: frame.number,
      worker,
      message: failure === 'loss' ? (frame.error ?? message) : message,
      class: failure,
      fingerprint: fingerprint(failure, failure === 'loss' ? '' : message),
      ofStep: frame.charge !== 'loss' || frame.to === 'failed',
    },
  ];
}
