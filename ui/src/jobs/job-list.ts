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
  /** A new query whose answer is not complete yet: its rows are arranged as they come. */
  #unanswered = true;
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

  /** A page of what follows the rows that are shown: it moves none of them, so that it need not wait. */
  append(jobs: readonly JobSummary[]): void {
    this.addPage(jobs);
    const shown = new Set(this.#shown);
    this.#shown = [...this.#shown, ...jobs.map((job) => job.id).filter((id) => !shown.has(id))];
  }

  /** What the farm said about jobs that the page cannot judge by itself. */
  tell(ids: readonly string[], found: ReadonlySet<string>): void {
    for (const id of ids) this.#told.set(id, found.has(id));
  }

  /** Another query: what was said belongs to the old one, and so do the rows that are shown. */
  beginQuery(): void {
    this.#told.clear();
    this.#unanswered = true;
  }

  /** The farm has answered: from now on rows come and go with the news alone. */
  queryAnswered(): void {
    this.#unanswered = false;
  }

  /**
   * Decides anew which jobs are shown. While `frozen` (somebody points at a row) rows stay where they are, even those
   * that no longer match, and newcomers wait; whoever asked something new gets its rows at once all the same.
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
    const waits = frozen && !this.#unanswered;
    if (!waits) this.#shown = this.#wanted;
    return { rows: this.rows(), waiting: waits ? differences(this.#shown, this.#wanted) : 0 };
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
