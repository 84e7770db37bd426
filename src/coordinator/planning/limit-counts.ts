import type { FarmRules, StepView } from './snapshot.ts';
import type { Usage } from './usage.ts';

interface Count {
  open: number;
  max: number;
}

type Limited = Pick<StepView, 'jobId' | 'project' | 'owner' | 'licences' | 'jobLimit'> & { engine: string };

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
    for (const { task, tasks } of usage.bySteps.values()) this.#add(task, tasks);
  }

  /** How many more tasks of the step may be open. */
  room(step: StepView): number {
    let room = step.jobLimit === null ? Infinity : step.jobLimit - (this.#jobs.get(step.jobId) ?? 0);
    if (this.#counts.size === 0) return room;
    for (const key of keysOf({ ...step, engine: step.needs.engine })) {
      const count = this.#counts.get(key);
      if (count) room = Math.min(room, count.max - count.open);
    }
    return room;
  }

  /** Tasks of the step that may be open at once, if it had all that its limits allow. */
  most(step: StepView): number {
    let most = step.jobLimit ?? Infinity;
    if (this.#counts.size === 0) return most;
    for (const key of keysOf({ ...step, engine: step.needs.engine }))
      most = Math.min(most, this.#counts.get(key)?.max ?? Infinity);
    return most;
  }

  add(step: StepView): void {
    this.#add({ ...step, engine: step.needs.engine }, 1);
  }

  #add(task: Omit<Limited, 'jobLimit'>, tasks: number): void {
    this.#jobs.set(task.jobId, (this.#jobs.get(task.jobId) ?? 0) + tasks);
    if (this.#counts.size === 0) return;
    for (const key of keysOf(task)) {
      const count = this.#counts.get(key);
      if (count) count.open += tasks;
    }
  }
}

function* keysOf(task: Omit<Limited, 'jobLimit' | 'jobId'>): Generator<string> {
  yield `project\n${task.project}`;
  yield `owner\n${task.owner}`;
  yield `engine\n${task.engine}`;
  for (const licence of new Set(task.licences)) yield `licence\n${licence}`;
}
