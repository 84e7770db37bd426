import type { History } from '../../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { JOB_LOOKS } from '../common/states.ts';

type Event = History['events'][number];

/** What people did to a job and when it began and ended, newest first. */
export function jobTimeline(job: JobSummary, events: readonly Event[]): Event[] {
  const milestones: Event[] = [
    { kind: 'submitted', actor: job.owner, message: 'Submitted', ok: true, at: job.submittedAt },
  ];
  if (job.startedAt !== null)
    milestones.push({
      kind: 'started',
      actor: 'farm',
      message: 'First frame started',
      ok: true,
      at: job.startedAt,
    });
  if (job.finishedAt !== null) {
    const message = `${JOB_LOOKS[job.state].word} with ${job.frames.done} of ${job.frames.total} frames done`;
    milestones.push({ kind: 'finished', actor: 'farm', message, ok: true, at: job.finishedAt });
  }
  return [...events, ...milestones].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}
