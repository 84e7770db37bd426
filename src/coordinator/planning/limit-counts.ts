import type { FarmRules, StepView, TaskView } from './snapshot.ts';
import type { Usage } from './usage.ts';

interface Count {
  open: number;
  max: number;
}

/** What limits look at: the same of a step and of a task. */
export type Limited = Pick<TaskView, 'jobId' | 'project' | 'owner' | 'engine' | 'licences' | 'jobLimit'>;

/** A step as limits look at it. */
export const limitedStep = (step: StepView): Limited => ({ ...step, engine: step.needs.engine });

/**
 * Tasks that are open against the limits that hold for them. A task renders one frame at a time, so an open task is a
 * running frame, or soon one.
 */
export class LimitCounts {
  readonly #counts = new Map<string, Count>();
  readonly #jobs = new Map<string, number>();

  constructor(rules: FarmRules, usage: Usage) {
    for (const { kind, name, running } of rules.limits) {
      const key = `${kind}\n${name}`;
      const known = this.#counts.get(key);
      this.#counts.set(key, { open: 0, max: Math.min(running, known?.max ?? running) });
    }
    for (const { task, tasks } of usage.bySteps.values()) this.add(task, tasks);
  }

  /** How many more tasks may be open. */
  room(of: Limited): number {
    let room = of.jobLimit === null ? Infinity : of.jobLimit - (this.#jobs.get(of.jobId) ?? 0);
    if (this.#counts.size === 0) return room;
    for (const count of this.#countsOf(of)) room = Math.min(room, count.max - count.open);
    return room;
  }

  /** Tasks that may be open at once, if all that the limits allow were given to one step. */
  most(of: Limited): number {
    let most = of.jobLimit ?? Infinity;
    if (this.#counts.size === 0) return most;
    for (const count of this.#countsOf(of)) most = Math.min(most, count.max);
    return most;
  }

  add(of: Limited, tasks = 1): void {
    this.#jobs.set(of.jobId, (this.#jobs.get(of.jobId) ?? 0) + tasks);
    if (this.#counts.size === 0) return;
    for (const count of this.#countsOf(of)) count.open += tasks;
  }

  *#countsOf({ project, owner, engine, licences }: Limited): Generator<Count> {
    for (const key of [`project\n${project}`, `owner\n${owner}`, `engine\n${engine}`]) {
      const count = this.#counts.get(key);
      if (count) yield count;
    }
    for (const licence of new Set(licences)) {
      const count = this.#counts.get(`licence\n${licence}`);
      if (count) yield count;
    }
  }
}
