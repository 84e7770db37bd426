import { DEFAULT_PRIORITY } from '../../shared/contracts/job-document.ts';
import type { FreshJob } from '../intake/submission.ts';
import type { OpenStepRow } from './read-open-steps.ts';

/** The open steps of a job that was just written, as reading them from the ledger would give them. */
export function freshSteps({ job, document, steps }: FreshJob): OpenStepRow[] {
  return steps
    .filter((step) => step.entryState === 'ready' && step.first > 0)
    .map((step) => ({
      key: step.key,
      job_id: job.id,
      name: step.name,
      engine: step.engine,
      engine_version: step.engineVersion,
      position: step.position,
      chunk: String(step.chunk),
      target_seconds: step.targetSeconds,
      ready: step.first,
      done: 0,
      seconds_done: 0,
      project: job.project,
      owner: job.owner,
      priority: document.priority ?? DEFAULT_PRIORITY,
      submitted_at: new Date(job.submittedAt),
      preempt: document.preempt ?? false,
      limit_running: document.limits?.running ?? null,
      mark: step.mark,
      open: true,
      due_ms: null,
      preview_ready: Math.min(step.first, step.spec.previewFrames),
      special: null,
    }));
}
