import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { isEndedJob } from '../../../src/shared/contracts/realtime.ts';
import type { Question } from '../controls/use-job-controls.ts';

/** Into the bin and out of it, as far as the job's state allows one of them. What it frees is said by the farm's sentence. */
export function binQuestion(job: Pick<JobSummary, 'name' | 'state' | 'bin'>): Question | null {
  if (job.bin !== undefined)
    return {
      verb: 'restore',
      title: `Take “${job.name}” out of the bin?`,
      yes: 'Take it out',
      harmless: true,
    };
  if (!isEndedJob(job.state)) return null;
  return {
    verb: 'delete',
    title: `Delete “${job.name}”?`,
    more: 'Until its time in the bin is over it can be restored.',
    yes: 'Delete the job',
    undo: 'restore',
  };
}
