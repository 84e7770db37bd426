import { formatByteSize } from '../domain/byte-sizes.ts';
import type { JobDetails, StepDetails, StepNeed } from './job-details.ts';
import { DEFAULT_TARGET_SECONDS } from './job-document.ts';

/** Something that was set and that people should know, as the page and the command line show it. */
export interface Fact {
  label: string;
  text: string;
}

/** How a job is rendered apart from its steps; nothing of what is as usual. */
export function jobFacts(job: Pick<JobDetails, 'limits' | 'preempt' | 'preview'>): Fact[] {
  const { running } = job.limits;
  return facts([
    ['limit', running === null ? '' : `${count(running, 'frame')} at once`],
    ['preempts', job.preempt ? 'lower priorities make room' : ''],
    ['preview', job.preview === null ? '' : 'first, middle and last frames first'],
  ]);
}

/** How a step is rendered; nothing of what is as usual. */
export function stepFacts(step: Omit<StepDetails, 'frames'>): Fact[] {
  return facts([
    ['after', step.dependsOn.map(needText).join('; ')],
    ['needs', requirementsText(step)],
    ['licences', step.licences.join(', ')],
    ['chunk', chunkText(step)],
    ['held', step.holdReason ?? ''],
  ]);
}

function facts(all: readonly (readonly [string, string])[]): Fact[] {
  return all.filter(([, text]) => text !== '').map(([label, text]) => ({ label, text }));
}

/** `render`; `step render of job j1, frame by frame`; `sim, frames n−1 to n+1`. */
function needText({ job, step, kind, offset, window }: StepNeed): string {
  const what = job === null ? step : `step ${step} of job ${job}`;
  if (kind === 'all') return what;
  if (offset === 0 && window === 0) return `${what}, frame by frame`;
  const [from, to] = [frameAt(offset - window), frameAt(offset + window)];
  return `${what}, ${from === to ? `frame ${from}` : `frames ${from} to ${to}`} for frame n`;
}

const frameAt = (offset: number): string =>
  offset === 0 ? 'n' : `n${offset < 0 ? '−' : '+'}${Math.abs(offset)}`;

function requirementsText({ engine, requires }: Pick<StepDetails, 'engine' | 'requires'>): string {
  const { engineVersion, cores, memoryBytes, gpus, tags, site, preferSite, roots = [] } = requires;
  return [
    ...(engineVersion === null ? [] : [`${engine} ${engineVersion}`]),
    ...(cores === null ? [] : [cores === 'all' ? 'a whole machine' : count(cores, 'core')]),
    ...(memoryBytes === null ? [] : [`${formatByteSize(memoryBytes)} of memory`]),
    ...(gpus === 0 ? [] : [count(gpus, 'GPU')]),
    ...(tags.length === 0 ? [] : [`${tags.length === 1 ? 'tag' : 'tags'} ${tags.join(', ')}`]),
    ...(site === null ? [] : [`site ${site}`]),
    ...(preferSite === null ? [] : [`site ${preferSite} if it has room`]),
    ...(roots.length === 0 ? [] : [`storage ${roots.join(', ')}`]),
  ].join(' · ');
}

function chunkText({ chunk, targetSeconds }: Pick<StepDetails, 'chunk' | 'targetSeconds'>): string {
  if (chunk === 'sequential') return 'in order on one slot';
  if (chunk !== 'auto') return `${count(chunk, 'frame')} a task`;
  return targetSeconds === DEFAULT_TARGET_SECONDS ? '' : `tasks of about ${targetSeconds} s`;
}

const count = (n: number, noun: string): string => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
