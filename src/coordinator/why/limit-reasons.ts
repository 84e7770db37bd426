import type { Reason, WhyInput, WhyLimit, WhyStep, WhyTask } from './why-input.ts';
import { count, isAre, moment } from './wording.ts';

/** The limits that a step is at: none of its frames may begin until one of those that count ends. */
export function limitReasons(step: WhyStep, input: WhyInput): Reason[] {
  const own = jobLimit(step, input);
  const farm = input.limits
    .filter((limit) => applies(limit, step, input))
    .flatMap((limit) => farmLimit(limit, step, input));
  return [...own, ...farm];
}

/** How many more tasks of a step may begin by the limits; Infinity without one. */
export function roomByLimits(step: WhyStep, input: WhyInput): number {
  const { job, tasks } = input;
  const own = job.limitRunning === null ? Infinity : job.limitRunning - tasksOfJob(tasks, job.id).length;
  const farm = input.limits
    .filter((limit) => applies(limit, step, input))
    .map((limit) => effective(limit, input.nowMs) - tasks.filter((task) => counts(limit, task)).length);
  return Math.max(0, Math.min(own, ...farm));
}

function jobLimit(step: WhyStep, { job, tasks }: WhyInput): Reason[] {
  const out = tasksOfJob(tasks, job.id).length;
  if (job.limitRunning === null || out < job.limitRunning) return [];
  return [
    {
      cause: 'limit',
      step: step.name,
      text:
        `may run ${count(job.limitRunning, 'frame')} of this job at once, and ${out.toLocaleString('en')} ${isAre(out)} out now. ` +
        `Change it with ./farmhand limit ${job.id} N`,
      figures: { kind: 'job', limit: job.limitRunning, running: out },
    },
  ];
}

function farmLimit(limit: WhyLimit, step: WhyStep, { job, tasks, nowMs }: WhyInput): Reason[] {
  const counted = tasks.filter((task) => counts(limit, task));
  const most = effective(limit, nowMs);
  if (counted.length < most) return [];
  const others = counted.filter((task) => task.jobId !== job.id).length;
  const who = limit.kind === 'licence' ? `licences of the pool ${limit.name}` : `${limit.kind} ${limit.name}`;
  const out = `${counted.length.toLocaleString('en')} ${isAre(counted.length)} out now${others > 0 ? ` (${others.toLocaleString('en')} of other jobs)` : ''}`;
  const lowered =
    limit.lowered !== null && limit.lowered.untilMs > nowMs && most < limit.running
      ? `: lowered from ${limit.running.toLocaleString('en')} until ${moment(limit.lowered.untilMs, nowMs)}, since there was no licence left`
      : '';
  const much = most === 0 ? 'no frame' : count(most, 'frame');
  const text =
    most === 0
      ? `waits while nothing of ${who} may run${lowered === '' ? ': the limit is 0' : lowered}`
      : limit.kind === 'licence'
        ? `needs ${most === 1 ? 'the only licence' : `one of the ${count(most, 'licence')}`} of the pool ${limit.name}${lowered}; ${out}`
        : `may run ${much} of ${who} at once${lowered}, and ${out}`;
  return [
    {
      cause: limit.kind === 'licence' ? 'licence' : 'limit',
      step: step.name,
      text: `${text}. Change it with ./farmhand limits set ${limit.kind} ${limit.name} N`,
      figures: {
        kind: limit.kind,
        name: limit.name,
        limit: most,
        running: counted.length,
        ofOtherJobs: others,
      },
    },
  ];
}

const effective = (limit: WhyLimit, nowMs: number): number =>
  limit.lowered !== null && limit.lowered.untilMs > nowMs
    ? Math.min(limit.running, limit.lowered.to)
    : limit.running;

function applies(limit: WhyLimit, step: WhyStep, { job }: WhyInput): boolean {
  switch (limit.kind) {
    case 'project':
      return job.project === limit.name;
    case 'owner':
      return job.owner === limit.name;
    case 'engine':
      return step.needs.engine === limit.name;
    case 'licence':
      return step.licences.includes(limit.name);
  }
}

function counts(limit: WhyLimit, task: WhyTask): boolean {
  switch (limit.kind) {
    case 'project':
      return task.project === limit.name;
    case 'owner':
      return task.owner === limit.name;
    case 'engine':
      return task.engine === limit.name;
    case 'licence':
      return task.licences.includes(limit.name);
  }
}

const tasksOfJob = (tasks: readonly WhyTask[], jobId: string): WhyTask[] =>
  tasks.filter((task) => task.jobId === jobId);
