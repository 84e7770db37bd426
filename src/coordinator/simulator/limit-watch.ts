import type { FarmRules } from '../planning/snapshot.ts';
import type { SimTask } from './sim-task.ts';

/** Counts open tasks against limits by itself, and so checks the planner. */
export class LimitWatch {
  readonly #limits: FarmRules['limits'];
  readonly #open: number[];
  readonly #jobs = new Map<string, number>();

  constructor(limits: FarmRules['limits']) {
    this.#limits = limits;
    this.#open = limits.map(() => 0);
  }

  /** @throws Error when a limit is exceeded. */
  add(task: SimTask): void {
    this.#count(task, 1);
    this.#limits.forEach(({ kind, name, running }, index) => {
      if (counts(kind, name, task) && (this.#open[index] ?? 0) > running)
        throw new Error(`the limit of ${kind} ${name} is exceeded`);
    });
    const { jobId, jobLimit } = task;
    if (jobLimit !== null && (this.#jobs.get(jobId) ?? 0) > jobLimit)
      throw new Error(`the limit of job ${jobId} is exceeded`);
  }

  remove(task: SimTask): void {
    this.#count(task, -1);
  }

  #count(task: SimTask, by: number): void {
    this.#limits.forEach(({ kind, name }, index) => {
      if (counts(kind, name, task)) this.#open[index] = (this.#open[index] ?? 0) + by;
    });
    if (task.jobLimit !== null) this.#jobs.set(task.jobId, (this.#jobs.get(task.jobId) ?? 0) + by);
  }
}

function counts(kind: FarmRules['limits'][number]['kind'], name: string, task: SimTask): boolean {
  if (kind === 'licence') return task.licences.includes(name);
  return task[kind] === name;
}
