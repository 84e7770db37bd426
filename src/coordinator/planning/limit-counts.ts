import type { FarmRules, TaskView } from './snapshot.ts';
import type { Usage } from './usage.ts';

interface Count {
  open: number;
  max: number;
}

/** What limits look at: of a step or a task, beside its engine. */
type Limited = Pick<TaskView, 'jobId' | 'project' | 'owner' | 'licences' | 'jobLimit'>;

/**
 * Tasks that are open against the limits that hold for them. A task renders one frame at a time, so an open task is a
 * running frame, or soon one. Each step that waits is held against them in each round: look-ups are all that may cost.
 */
export class LimitCounts {
  readonly #counts = {
    project: new Map<string, Count>(),
    owner: new Map<string, Count>(),
    engine: new Map<string, Count>(),
    licence: new Map<string, Count>(),
  };
  readonly #jobs = new Map<string, number>();
  readonly #none: boolean;

  constructor(rules: FarmRules, usage: Usage) {
    this.#none = rules.limits.length === 0;
    for (const { kind, name, running } of rules.limits) {
      const known = this.#counts[kind].get(name);
      this.#counts[kind].set(name, { open: 0, max: Math.min(running, known?.max ?? running) });
    }
    for (const { task, tasks } of usage.bySteps.values()) this.add(task, task.engine, tasks);
  }

  /** How many more tasks may be open. */
  room(of: Limited, engine: string): number {
    let room = of.jobLimit === null ? Infinity : of.jobLimit - (this.#jobs.get(of.jobId) ?? 0);
    if (!this.#none)
      this.#each(of, engine, (count) => {
        room = Math.min(room, count.max - count.open);
      });
    return room;
  }

  /** Tasks that may be open at once, if all that the limits allow were given to one step. */
  most(of: Limited, engine: string): number {
    let most = of.jobLimit ?? Infinity;
    if (!this.#none)
      this.#each(of, engine, (count) => {
        most = Math.min(most, count.max);
      });
    return most;
  }

  add(of: Limited, engine: string, tasks = 1): void {
    this.#jobs.set(of.jobId, (this.#jobs.get(of.jobId) ?? 0) + tasks);
    if (!this.#none)
      this.#each(of, engine, (count) => {
        count.open += tasks;
      });
  }

  #each({ project, owner, licences }: Limited, engine: string, visit: (count: Count) => void): void {
    const { project: projects, owner: owners, engine: engines, licence: pools } = this.#counts;
    const found = [projects.get(project), owners.get(owner), engines.get(engine)];
    for (const count of found) if (count) visit(count);
    if (licences.length > 0)
      for (const licence of new Set(licences)) {
        const count = pools.get(licence);
        if (count) visit(count);
      }
  }
}
