import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { OpenSteps } from './open-steps.ts';
import { OpenTasks } from './open-tasks.ts';
import {
  countOpenTasks,
  glanceAtSteps,
  readOpenJobIds,
  readOpenSteps,
  type OpenStepRow,
} from './read-open-steps.ts';

const JOBS_A_READING = 1_000;
/** How often the ledger is looked at for what was missed. */
const REPAIR_EVERY_MS = 10_000;
/** Of jobs with very many open tasks these are read again only so often. */
const MANY_TASKS = 500;
const MANY_TASKS_EVERY_MS = 250;

/**
 * What the leader knows of open jobs: read whole when it is elected, then only what changed. Changes of this process and
 * words of other coordinators name the jobs; a glance at all open jobs now and then finds what was missed.
 */
export class OpenWork {
  readonly steps = new OpenSteps();
  readonly tasks = new OpenTasks(this.steps);
  readonly #ledger: Ledger;
  readonly #infos: StepInfos;
  #fresh = new Map<string, readonly OpenStepRow[]>();
  #stepsChanged = new Set<string>();
  #tasksChanged = new Set<string>();
  #loaded = false;
  #repairedAt = 0;
  #repairing: Promise<void> | undefined;
  #failure: Error | undefined;
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

  /** A job was written by this process, and these are its steps: it need not be read before its first task is cut. */
  fresh(jobId: string, rows: readonly OpenStepRow[]): void {
    this.#fresh.set(jobId, rows);
  }

  /** Reads what changed since the last time. */
  async refresh(): Promise<void> {
    const now = performance.now();
    if (!this.#loaded) await this.#load();
    await this.#takeFresh(now);
    for (const jobId of this.steps.takeDue(now)) this.#stepsChanged.add(jobId);
    this.#repair(now);
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

  async #takeFresh(now: number): Promise<void> {
    const fresh = this.#fresh;
    if (fresh.size === 0) return;
    this.#fresh = new Map();
    const rows = [...fresh.values()].flat();
    // Submissions have just handed them over: nothing is read.
    const infos = await this.#infos.load(rows.map((row) => row.key));
    this.steps.replace([...fresh.keys()], rows, infos, now);
  }

  async #load(): Promise<void> {
    this.steps.clear();
    this.tasks.clear();
    this.#fresh.clear();
    this.#stepsChanged.clear();
    this.#tasksChanged.clear();
    // From now on: who resets while this is under way has it done once more.
    this.#loaded = true;
    try {
      const ids = await readOpenJobIds(this.#ledger);
      for (let first = 0; first < ids.length; first += JOBS_A_READING) {
        const some = ids.slice(first, first + JOBS_A_READING);
        await this.#readSteps(some);
        await this.tasks.read(this.#ledger, some);
      }
    } catch (error) {
      this.#loaded = false;
      throw error;
    }
    this.#repairedAt = performance.now();
  }

  async #readSteps(jobIds: readonly string[]): Promise<void> {
    const rows = await readOpenSteps(this.#ledger, jobIds);
    const unknown = this.steps.unknown(rows);
    const infos = unknown.length === 0 ? new Map<string, never>() : await this.#infos.load(unknown);
    this.steps.replace(jobIds, rows, infos, performance.now());
  }

  /** Beside the rounds of dispatch, which do not wait for it. What went wrong with it, the next round throws. */
  #repair(now: number): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
    if (this.#repairing || now - this.#repairedAt < REPAIR_EVERY_MS) return;
    this.#repairedAt = now;
    this.#repairing = this.#findMissed()
      .catch((error: unknown) => {
        this.#failure = new Error(`Open jobs could not be looked at: ${messageOf(error)}`, { cause: error });
      })
      .finally(() => {
        this.#repairing = undefined;
      });
  }

  /** What changes while the ledger is asked may look missed: it is read once more, which does no harm. */
  async #findMissed(): Promise<void> {
    const steps = await glanceAtSteps(this.#ledger);
    for (const jobId of this.steps.missed(steps)) this.changed(jobId, false);
    const tasks = await countOpenTasks(this.#ledger);
    for (const jobId of this.tasks.missed(tasks)) this.changed(jobId, true);
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
