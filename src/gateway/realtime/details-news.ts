import type { JobDetails } from '../../shared/contracts/job-details.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';

type Step = JobSummary['steps'][number];
type Plan = Omit<JobDetails, keyof JobSummary> & { steps: Omit<JobDetails['steps'][number], keyof Step>[] };

/** Which details of jobs are news: counts change all the time and are told by summaries, how a job is rendered seldom does. */
export class DetailsNews {
  readonly #told = new Map<string, string>();

  /**
   * @param jobs as the ledger has them now.
   * @returns those of which something but state and counts is another than at the last call. Others are forgotten.
   */
  among(jobs: readonly JobDetails[], isWatched: (jobId: string) => boolean): JobDetails[] {
    for (const jobId of this.#told.keys()) if (!isWatched(jobId)) this.#told.delete(jobId);
    return jobs.filter((job) => {
      const plan = JSON.stringify(planOf(job));
      if (this.#told.get(job.id) === plan) return false;
      this.#told.set(job.id, plan);
      return true;
    });
  }
}

function planOf({ preempt, preview, notBefore, limits, dependsOn, steps }: JobDetails): Plan {
  return {
    preempt,
    preview,
    notBefore,
    limits,
    dependsOn,
    steps: steps.map((step) => ({
      dependsOn: step.dependsOn,
      requires: step.requires,
      engineVersion: step.engineVersion,
      chunk: step.chunk,
      targetSeconds: step.targetSeconds,
      licences: step.licences,
      holdReason: step.holdReason,
    })),
  };
}
