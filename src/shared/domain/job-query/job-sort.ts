import { JOB_STATES } from '../states.ts';
import { fold } from './fold.ts';
import type { MatchedJob } from './match-job.ts';

/** What a list of jobs can be sorted by. */
export const JOB_SORTS = [
  'submitted',
  'name',
  'state',
  'progress',
  'frames',
  'running',
  'failed',
  'priority',
  'owner',
  'project',
  'elapsed',
  'finished',
] as const;
export type JobSortKey = (typeof JOB_SORTS)[number];

export interface JobSort {
  by: JobSortKey;
  descending: boolean;
}

export const NEWEST_FIRST: JobSort = { by: 'submitted', descending: true };

/** By other things than their time only so many of the newest jobs that match are sorted. */
export const MOST_SORTED_JOBS = 10_000;

/** `name`, or `-name` for the other way round; undefined for anything else. */
export function parseJobSort(text: string): JobSort | undefined {
  const descending = text.startsWith('-');
  const by = JOB_SORTS.find((key) => key === text.slice(descending ? 1 : 0));
  return by && { by, descending };
}

export const printJobSort = ({ by, descending }: JobSort): string => `${descending ? '-' : ''}${by}`;

/** Jobs in the order of a list; those that are alike newest first. */
export function compareJobs(sort: JobSort, nowMs: number): (a: MatchedJob, b: MatchedJob) => number {
  const sign = sort.descending ? -1 : 1;
  return (a, b) => {
    const first = sort.by === 'submitted' ? 0 : order(keyOf(sort.by, a, nowMs), keyOf(sort.by, b, nowMs));
    if (first !== 0) return sign * first;
    const age = order(a.submittedAt, b.submittedAt) || order(a.id, b.id);
    return sort.by === 'submitted' ? sign * age : -age;
  };
}

const order = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** What has not begun or not ended comes before all that has. */
const NEVER = -1;

function keyOf(by: JobSortKey, job: MatchedJob, nowMs: number): string | number {
  switch (by) {
    case 'name':
    case 'owner':
    case 'project':
      return fold(job[by]);
    case 'state':
      return JOB_STATES.indexOf(job.state);
    case 'progress':
      return job.frames.total === 0 ? 0 : Math.floor((job.frames.done / job.frames.total) * 100);
    case 'frames':
      return job.frames.total;
    case 'running':
    case 'failed':
      return job.frames[by];
    case 'priority':
      return job.priority;
    case 'elapsed':
      if (job.startedAt === null) return NEVER;
      return (job.finishedAt === null ? nowMs : Date.parse(job.finishedAt)) - Date.parse(job.startedAt);
    case 'finished':
      return job.finishedAt === null ? NEVER : Date.parse(job.finishedAt);
    case 'submitted':
      return Date.parse(job.submittedAt);
  }
}
