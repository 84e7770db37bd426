import type { BatchPlan, TaskRow } from './plan-batch.ts';

/** The frame of a running task that its worker has come to. */
export interface FrameUnderWay {
  taskKey: string;
  number: number;
}

/**
 * Which frames are being rendered after a batch: of each task that started in it, the first; of each that brought results,
 * the one after the last result. A task's further frames stay `queued`, so that `running` counts what is really rendered.
 */
export function framesUnderWay(plan: BatchPlan, tasks: ReadonlyMap<string, TaskRow>): FrameUnderWay[] {
  const last = new Map<string, number>();
  for (const { taskKey, attempt, result } of plan.results) {
    const task = tasks.get(taskKey);
    if (!task || attempt !== (plan.tasks.get(taskKey) ?? task).attempt) continue;
    last.set(taskKey, Math.max(last.get(taskKey) ?? -1, task.frames.indexOf(result.number)));
  }
  return [...tasks.values()].flatMap((task) => {
    const change = plan.tasks.get(task.key);
    if ((change ?? task).state !== 'running') return [];
    const index = last.get(task.key) ?? (change ? -1 : undefined);
    const number = index === undefined ? undefined : task.frames[index + 1];
    return number === undefined ? [] : [{ taskKey: task.key, number }];
  });
}
