import { fits, slotsNeeded } from '../planning/fitting.ts';
import type { WhyInput, WhyStep, WhyTask, WhyWorker } from './why-input.ts';

/** A worker that can render a step, and what it has to do meanwhile. */
export interface Candidate {
  worker: WhyWorker;
  /** Slots that a task of the step takes there. */
  needed: number;
  /** Tasks in its hands, and those of its group's lane that it will get first. */
  tasks: readonly WhyTask[];
  free: number;
}

/** Tasks by who has them; those that wait in a group's common lane go to whoever has room. */
export function tasksByWorker({ workers, tasks }: WhyInput): Map<string, WhyTask[]> {
  const held = new Map<string, WhyTask[]>(workers.map((worker) => [worker.id, []]));
  const unplaced: WhyTask[] = [];
  for (const task of tasks) {
    const list = task.worker === null ? undefined : held.get(task.worker);
    if (list) list.push(task);
    else unplaced.push(task);
  }
  const working = workers.filter((worker) => worker.presence === 'working');
  for (const task of unplaced) {
    const taker = working.find(
      (worker) => worker.group === task.group && freeOf(worker, held.get(worker.id) ?? []) >= task.slots,
    );
    if (taker) held.get(taker.id)?.push(task);
  }
  return held;
}

export const freeOf = (worker: WhyWorker, tasks: readonly WhyTask[]): number =>
  Math.max(0, worker.ability.slots - tasks.reduce((sum, task) => sum + task.slots, 0));

/** Workers that can render the step, whether or not they may work now. */
export function candidates(
  step: Pick<WhyStep, 'needs'>,
  input: WhyInput,
  held = tasksByWorker(input),
): Candidate[] {
  return input.workers.flatMap((worker) => {
    const { ability } = worker;
    const needed = fits(step.needs, ability) ? slotsNeeded(step.needs, ability) : null;
    if (needed === null) return [];
    const tasks = held.get(worker.id) ?? [];
    return [{ worker, needed, tasks, free: freeOf(worker, tasks) }];
  });
}
