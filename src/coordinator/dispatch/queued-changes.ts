import type { FrameChange } from '../../shared/contracts/messages.ts';
import type { CutTask } from '../ledger/cut-tasks.ts';
import type { StepInfo } from '../ledger/step-info.ts';

const MAX_ANNOUNCED = 2_000;

/** Frames that became queued, by job; null where they are too many to be named one by one. */
export function queuedByJob(
  tasks: readonly CutTask[],
  steps: ReadonlyMap<string, StepInfo>,
): Map<string, FrameChange[] | null> {
  const changes = new Map<string, FrameChange[] | null>();
  for (const task of tasks) {
    const step = steps.get(task.step_key);
    const known = changes.get(task.job_id) ?? [];
    if (changes.get(task.job_id) === null || !step) continue;
    if (known.length + task.frames.length > MAX_ANNOUNCED) changes.set(task.job_id, null);
    else changes.set(task.job_id, [...known, ...queuedChanges(task, step.name)]);
  }
  return changes;
}

function queuedChanges(task: CutTask, step: string): FrameChange[] {
  return task.frames.map((number, index) => ({
    step,
    number,
    state: 'queued',
    generation: task.generations[index] ?? 1,
    worker: null,
    seconds: null,
    error: null,
  }));
}
