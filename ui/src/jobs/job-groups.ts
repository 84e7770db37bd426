import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { enginesOf } from './job-list.ts';

export const JOB_GROUPINGS = ['project', 'shot', 'version', 'owner', 'engine'] as const;
export type JobGrouping = (typeof JOB_GROUPINGS)[number];

export interface JobGroup {
  kind: 'group';
  key: string;
  /** Empty: jobs that say nothing of it. */
  label: string;
  jobs: number;
  frames: JobSummary['frames'];
  collapsed: boolean;
}

export type JobItem = JobGroup | { kind: 'job'; job: JobSummary };

export const parseGrouping = (text: string): JobGrouping | undefined =>
  JOB_GROUPINGS.find((grouping) => grouping === text);

/** What is drawn, row by row: groups in the order in which their first job comes, with sums of their frames. */
export function itemsOf(
  jobs: readonly JobSummary[],
  grouping: JobGrouping | undefined,
  collapsed: ReadonlySet<string>,
): JobItem[] {
  if (grouping === undefined) return jobs.map((job) => ({ kind: 'job', job }));
  const groups = new Map<string, JobSummary[]>();
  for (const job of jobs) {
    const label = labelOf(job, grouping);
    const group = groups.get(label);
    if (group) group.push(job);
    else groups.set(label, [job]);
  }
  return [...groups].flatMap(([label, members]): JobItem[] => {
    const isCollapsed = collapsed.has(label);
    const head: JobGroup = {
      kind: 'group',
      key: label,
      label,
      jobs: members.length,
      frames: sumFrames(members),
      collapsed: isCollapsed,
    };
    return [head, ...(isCollapsed ? [] : members.map((job): JobItem => ({ kind: 'job', job })))];
  });
}

function labelOf(job: JobSummary, grouping: JobGrouping): string {
  switch (grouping) {
    case 'shot':
    case 'version':
      return Object.hasOwn(job.labels, grouping) ? (job.labels[grouping] ?? '') : '';
    case 'engine':
      return enginesOf(job).join(', ');
    default:
      return job[grouping];
  }
}

function sumFrames(jobs: readonly JobSummary[]): JobSummary['frames'] {
  const sum = {
    total: 0,
    waiting: 0,
    ready: 0,
    queued: 0,
    running: 0,
    done: 0,
    failed: 0,
    held: 0,
    skipped: 0,
    cancelled: 0,
  };
  for (const { frames } of jobs)
    for (const state of Object.keys(sum) as (keyof typeof sum)[]) sum[state] += frames[state];
  return sum;
}
