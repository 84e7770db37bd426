import type { JobSummary } from '../../../../src/shared/contracts/messages.ts';
import { isEndedJob } from '../../../../src/shared/contracts/realtime.ts';
import { JOB_LOOKS, percentDone } from '../../common/states.ts';
import { plural } from '../../common/units.ts';

const shortName = (name: string): string => name.slice(0, 80);

/** Whether somebody who waits for a job wants to hear of it now: it ended, or a person has to decide. */
export function isNews(before: JobSummary['state'] | undefined, now: JobSummary['state']): boolean {
  return before !== undefined && before !== now && (isEndedJob(now) || now === 'held');
}

export function endTitle(job: Pick<JobSummary, 'name' | 'state'>): string {
  return `${JOB_LOOKS[job.state].word}: ${shortName(job.name)}`;
}

export function endBody({ frames, error, state }: Pick<JobSummary, 'frames' | 'error' | 'state'>): string {
  const done = `${frames.done.toLocaleString('en-US')} of ${plural(frames.total, 'frame')} done.`;
  return state === 'completed' || error === null ? done : `${done} ${error.slice(0, 200)}`;
}

/** `42 % · Title · Farmhand` while it runs; what became of it once it has ended. */
export function pageTitle(job: Pick<JobSummary, 'name' | 'state' | 'frames'>): string {
  const head = job.state === 'running' ? `${percentDone(job.frames)} %` : JOB_LOOKS[job.state].word;
  return `${head} · ${shortName(job.name)} · Farmhand`;
}
