import type { FarmRules } from '../planning/snapshot.ts';
import { dueSlots, jain, type Demand } from './fair-use.ts';
import type { SimStep } from './sim-step.ts';
import type { SimTask } from './sim-task.ts';

/** What a simulation measures while it runs, in slot-milliseconds and counts. */
export class Measures {
  assigned = 0;
  rendered = 0;
  failedFrames = 0;
  lastEndMs = 0;
  /** Slots that tasks take now. */
  busy = 0;
  /** Slots that unfinished frames could use, when that was last looked at. */
  #usable = 0;
  #busySum = 0;
  #usableSum = 0;
  #usefulSum = 0;
  readonly #busyBy = new Map<string, number>();
  readonly #had = new Map<string, number>();
  readonly #due = new Map<string, number>();

  passing(ms: number): void {
    this.#busySum += this.busy * ms;
    this.#usableSum += Math.max(this.#usable, this.busy) * ms;
  }

  began(task: SimTask): void {
    this.assigned++;
    this.busy += task.slots;
    this.#busyBy.set(task.project, (this.#busyBy.get(task.project) ?? 0) + task.slots);
  }

  left(task: SimTask): void {
    this.busy -= task.slots;
    this.#busyBy.set(task.project, (this.#busyBy.get(task.project) ?? 0) - task.slots);
  }

  frameEnded(slots: number, seconds: number, accepted: boolean, nowMs: number): void {
    this.lastEndMs = nowMs;
    if (accepted) {
      this.rendered++;
      this.#usefulSum += seconds * 1_000 * slots;
    } else this.failedFrames++;
  }

  /** What each project has, against what it is due, for so many milliseconds. */
  share(demands: readonly Demand[], slots: number, rules: FarmRules, ms: number): void {
    this.#usable = Math.min(
      slots,
      demands.reduce((sum, demand) => sum + demand.slots, 0),
    );
    for (const [project, due] of dueSlots(demands, slots, rules)) {
      this.#due.set(project, (this.#due.get(project) ?? 0) + due * ms);
      this.#had.set(project, (this.#had.get(project) ?? 0) + (this.#busyBy.get(project) ?? 0) * ms);
    }
  }

  get utilisation(): number {
    return this.#usableSum === 0 ? 1 : this.#busySum / this.#usableSum;
  }

  /** Of what slots were busy with: frames that were accepted, not loads, failures and losses. */
  get useful(): number {
    return this.#busySum === 0 ? 1 : this.#usefulSum / this.#busySum;
  }

  get jain(): number {
    return jain(
      [...this.#due].filter(([, due]) => due > 0).map(([name, due]) => (this.#had.get(name) ?? 0) / due),
    );
  }

  /** Of each project: slot-time that it had, divided by what it was due. */
  get shares(): Record<string, number> {
    const all = [...this.#due].filter(([, due]) => due > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(all.map(([name, due]) => [name, round((this.#had.get(name) ?? 0) / due)]));
  }
}

/** Seconds from a job's submission to its first frame's start, by priority. */
export function waiting(
  steps: readonly SimStep[],
): Record<string, { jobs: number; p50Seconds: number; p95Seconds: number }> {
  const levels = new Map<number, number[]>();
  for (const step of steps) {
    if (step.firstStartMs === null) continue;
    const waits = levels.get(step.priority) ?? [];
    waits.push((step.firstStartMs - step.submittedAtMs) / 1_000);
    levels.set(step.priority, waits);
  }
  return Object.fromEntries(
    [...levels]
      .sort(([a], [b]) => b - a)
      .map(([level, waits]) => {
        waits.sort((a, b) => a - b);
        return [
          `priority ${level}`,
          { jobs: waits.length, p50Seconds: round(nth(waits, 0.5)), p95Seconds: round(nth(waits, 0.95)) },
        ];
      }),
  );
}

/** The value below which that part of sorted values lies. */
export const nth = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * part) - 1))] ?? 0;

export const round = (value: number): number => Math.round(value * 10_000) / 10_000;
