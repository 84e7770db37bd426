import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import type { JobQuery } from '../../../src/shared/domain/job-query/job-query.ts';
import { compareJobs, type JobSort } from '../../../src/shared/domain/job-query/job-sort.ts';
import { matchJob } from '../../../src/shared/domain/job-query/match-job.ts';

export interface JobListView {
  query: JobQuery;
  sort: JobSort;
}

/** The jobs this page knows, and which of them it shows in which order. */
export class JobList {
  readonly #jobs = new Map<string, JobSummary>();
  /** Of jobs of which only the farm can say whether the query finds them: what it said last. */
  readonly #told = new Map<string, boolean>();
  #shown: string[] = [];
  #wanted: string[] = [];

  /** The whole truth: whatever else was known may be old by now. */
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

  /** What the farm said about jobs that the page cannot judge by itself. */
  tell(ids: readonly string[], found: ReadonlySet<string>): void {
    for (const id of ids) this.#told.set(id, found.has(id));
  }

  /** Another query: what was said belongs to the old one. */
  forgetTold(): void {
    this.#told.clear();
  }

  /**
   * Decides anew which jobs are shown. While `frozen` (somebody points at a row) rows stay where they are, even those
   * that no longer match, and newcomers wait.
   */
  arrange(
    { query, sort }: JobListView,
    frozen: boolean,
    nowMs: number,
  ): { rows: JobSummary[]; waiting: number } {
    this.#wanted = [...this.#jobs.values()]
      .filter(
        (job) => job.bin === undefined && (matchJob(query, job, nowMs) ?? this.#told.get(job.id) ?? false),
      )
      .sort(compareJobs(sort, nowMs))
      .map((job) => job.id);
    if (!frozen) this.#shown = this.#wanted;
    return { rows: this.rows(), waiting: frozen ? differences(this.#shown, this.#wanted) : 0 };
  }

  /** The rows as they were arranged last, with the newest word on each. */
  rows(): JobSummary[] {
    return this.#shown.flatMap((id) => this.#jobs.get(id) ?? []);
  }
}

/** Engines of a job, each once, in the order of its steps. */
export function enginesOf(job: JobSummary): string[] {
  return [...new Set(job.steps.map((step) => step.engine))];
}

/** Rows that would come, go, or stand elsewhere. */
function differences(a: readonly string[], b: readonly string[]): number {
  const inA = new Set(a);
  const inB = new Set(b);
  const comeOrGo = a.filter((id) => !inB.has(id)).length + b.filter((id) => !inA.has(id)).length;
  if (comeOrGo > 0) return comeOrGo;
  return a.filter((id, i) => id !== b[i]).length;
}
