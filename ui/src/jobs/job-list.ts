import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import type { JobState } from '../../../src/shared/contracts/realtime.ts';

export interface JobFilter {
  /** Anything in name, id, owner, project or engine; case does not matter. */
  text: string;
  state: JobState | '';
}

/** The jobs this page knows, and which of them it shows. Newest first, so a job's place never changes. */
export class JobList {
  readonly #jobs = new Map<string, JobSummary>();
  #shown: string[] = [];
  #wanted: string[] = [];

  /** The whole truth about the newest jobs: whatever else was known may be old by now. */
  replace(jobs: readonly JobSummary[]): void {
    this.#jobs.clear();
    for (const job of jobs) this.#jobs.set(job.id, job);
  }

  /** News, as they happen. */
  update(jobs: readonly JobSummary[]): void {
    for (const job of jobs) this.#jobs.set(job.id, job);
  }

  /** A page that was asked for; what came live meanwhile is newer and stays. */
  addPage(jobs: readonly JobSummary[]): void {
    for (const job of jobs) if (!this.#jobs.has(job.id)) this.#jobs.set(job.id, job);
  }

  /**
   * Decides anew which jobs are shown. While `frozen` (somebody points at a row) rows stay where they are, even those
   * that no longer match, and newcomers wait.
   */
  arrange(filter: JobFilter, frozen: boolean): { rows: JobSummary[]; waiting: number } {
    this.#wanted = [...this.#jobs.values()]
      .filter((job) => matches(job, filter))
      .sort(newestFirst)
      .map((job) => job.id);
    if (!frozen) this.#shown = this.#wanted;
    const rows = this.#shown.flatMap((id) => this.#jobs.get(id) ?? []);
    return { rows, waiting: frozen ? differences(this.#shown, this.#wanted) : 0 };
  }
}

export function matches(job: JobSummary, filter: JobFilter): boolean {
  if (filter.state !== '' && job.state !== filter.state) return false;
  const text = filter.text.trim().toLowerCase();
  if (text === '') return true;
  return [job.name, job.id, job.owner, job.project, ...job.steps.map((step) => step.engine)].some((field) =>
    field.toLowerCase().includes(text),
  );
}

/** Engines of a job, each once, in the order of its steps. */
export function enginesOf(job: JobSummary): string[] {
  return [...new Set(job.steps.map((step) => step.engine))];
}

function newestFirst(a: JobSummary, b: JobSummary): number {
  if (a.submittedAt !== b.submittedAt) return a.submittedAt < b.submittedAt ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

function differences(a: readonly string[], b: readonly string[]): number {
  const inA = new Set(a);
  const inB = new Set(b);
  return a.filter((id) => !inB.has(id)).length + b.filter((id) => !inA.has(id)).length;
}
