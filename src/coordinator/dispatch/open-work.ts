import type { Ledger } from '../../shared/database/connect.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { OpenSteps } from './open-steps.ts';
import { OpenTasks } from './open-tasks.ts';
import { readOpenJobIds, readOpenSteps } from './read-open-steps.ts';

const JOBS_A_READING = 1_000;
/** Each open job is read again about so often, whatever was heard of it: what was missed is repaired. */
const REPAIR_EVERY_MS = 10_000;
const REPAIR_PAGES = 32;
/** Of jobs with very many open tasks these are read again only so often. */
const MANY_TASKS = 500;
const MANY_TASKS_EVERY_MS = 250;

/**
 * What the leader knows of open jobs: read whole when it is elected, then only what changed. Changes of this process and
 * words of other coordinators name the jobs; a slow round through all open jobs repairs what was missed.
 */
export class OpenWork {
  readonly steps = new OpenSteps();
  readonly tasks = new OpenTasks(this.steps);
  readonly #ledger: Ledger;
  readonly #infos: StepInfos;
  #stepsChanged = new Set<string>();
  #tasksChanged = new Set<string>();
  #loaded = false;
  #toRepair: string[] = [];
  #repairPage = 0;
  #repairBegan = 0;
  #repairedAt = 0;
  readonly #manyReadAt = new Map<string, number>();

  constructor(ledger: Ledger, infos: StepInfos) {
    this.#ledger = ledger;
    this.#infos = infos;
  }

  /** Forgets everything; the next reading is a whole one. */
  reset(): void {
    this.#loaded = false;
  }

  /** @param tasks whether its tasks may have changed in a way that this process was not told. */
  changed(jobId: string, tasks: boolean): void {
    this.#stepsChanged.add(jobId);
    if (tasks) this.#tasksChanged.add(jobId);
  }

  /** Reads what changed since the last time. */
  async refresh(): Promise<void> {
    const now = performance.now();
    if (!this.#loaded) await this.#load();
    for (const jobId of this.steps.takeDue(now)) this.#stepsChanged.add(jobId);
    await this.#repair(now);
    const steps = this.#stepsChanged;
    const tasks = this.#takeTasksChanged(now);
    this.#stepsChanged = new Set();
    try {
      await Promise.all([
        steps.size === 0 ? undefined : this.#readSteps([...steps]),
        tasks.length === 0 ? undefined : this.tasks.read(this.#ledger, tasks),
      ]);
    } catch (error) {
      for (const jobId of steps) this.#stepsChanged.add(jobId);
      for (const jobId of tasks) this.#tasksChanged.add(jobId);
      throw error;
    }
  }

  async #load(): Promise<void> {
    this.steps.clear();
    this.tasks.clear();
    this.#stepsChanged.clear();
    this.#tasksChanged.clear();
    this.#toRepair = [];
    const ids = await readOpenJobIds(this.#ledger);
    for (let first = 0; first < ids.length; first += JOBS_A_READING) {
      const some = ids.slice(first, first + JOBS_A_READING);
      await this.#readSteps(some);
      await this.tasks.read(this.#ledger, some);
    }
    this.#repairBegan = performance.now();
    this.#loaded = true;
  }

  async #readSteps(jobIds: readonly string[]): Promise<void> {
    const rows = await readOpenSteps(this.#ledger, jobIds);
    const unknown = this.steps.unknown(rows);
    const infos = unknown.length === 0 ? new Map<string, never>() : await this.#infos.load(unknown);
    this.steps.replace(jobIds, rows, infos, performance.now());
  }

  /** Marks some of all open jobs to be read again. */
  async #repair(now: number): Promise<void> {
    if (now - this.#repairedAt < REPAIR_EVERY_MS / REPAIR_PAGES) return;
    if (this.#toRepair.length === 0) {
      if (now - this.#repairBegan < REPAIR_EVERY_MS) return;
      const open = await readOpenJobIds(this.#ledger);
      this.#toRepair = [...new Set([...open, ...this.steps.jobIds(), ...this.tasks.jobIds()])];
      this.#repairPage = Math.ceil(this.#toRepair.length / REPAIR_PAGES);
      this.#repairBegan = now;
    }
    this.#repairedAt = now;
    for (const jobId of this.#toRepair.splice(0, this.#repairPage)) this.changed(jobId, true);
  }

  #takeTasksChanged(now: number): string[] {
    const taken: string[] = [];
    for (const jobId of this.#tasksChanged) {
      if (this.tasks.countOf(jobId) > MANY_TASKS) {
        if (now - (this.#manyReadAt.get(jobId) ?? -Infinity) < MANY_TASKS_EVERY_MS) continue;
        this.#manyReadAt.set(jobId, now);
      } else this.#manyReadAt.delete(jobId);
      taken.push(jobId);
      this.#tasksChanged.delete(jobId);
    }
    return taken;
  }
}
