import type { JobDetails, StepDetails } from '../../shared/contracts/job-details.ts';
import { jobFacts, stepFacts } from '../../shared/contracts/job-details-text.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { WaitingDecisions } from '../../shared/contracts/quality-api.ts';
import { printable } from './output.ts';
import { count, formatBytes, formatSeconds, formatTable } from './table.ts';

/** One line: `12/24 done, 1 failed`. */
export function framesText(frames: JobSummary['frames']): string {
  const parts = [`${frames.done}/${frames.total} done`];
  if (frames.failed > 0) parts.push(`${frames.failed} failed`);
  if (frames.skipped > 0) parts.push(`${frames.skipped} skipped`);
  if (frames.cancelled > 0) parts.push(`${frames.cancelled} cancelled`);
  if (frames.held > 0) parts.push(`${frames.held} held`);
  return parts.join(', ');
}

/** From start to end, or to now while it runs. */
export function jobSeconds(job: JobSummary): number | undefined {
  if (job.startedAt === null) return undefined;
  const end = job.finishedAt === null ? Date.now() : Date.parse(job.finishedAt);
  return Math.max(0, (end - Date.parse(job.startedAt)) / 1_000);
}

export function jobsTable(jobs: readonly JobSummary[]): string {
  return formatTable(
    ['ID', 'NAME', 'OWNER', 'STATE', 'FRAMES', 'TIME'],
    jobs.map((job) => {
      const seconds = jobSeconds(job);
      return [
        job.id,
        job.name,
        job.owner,
        job.state,
        framesText(job.frames),
        seconds === undefined ? '' : formatSeconds(seconds),
      ];
    }),
  );
}

/** A job for people: what it is, how far it is, its steps and, where they are known, what was set for it. */
export function jobText(job: JobSummary | JobDetails): string {
  const seconds = jobSeconds(job);
  const labels = Object.entries(job.labels).map(([name, value]) => `${name}=${value}`);
  const facts = [
    `${job.name} (${job.id})`,
    `state      ${job.state}`,
    // Not beside the state: a job that goes on may have failed frames, too.
    ...(job.error === null ? [] : [`error      ${job.error}`]),
    `frames     ${framesText(job.frames)}`,
    ...(job.decisions === undefined ? [] : [`decisions  ${decisionsText(job.id, job.decisions)}`]),
    `owner      ${job.owner}, project ${job.project}, priority ${job.priority}`,
    ...(isDetailed(job) ? detailLines(job) : []),
    ...(labels.length === 0 ? [] : [`labels     ${labels.join(', ')}`]),
    `submitted  ${job.submittedAt}`,
    ...(job.finishedAt === null ? [] : [`finished   ${job.finishedAt}`]),
    ...(seconds === undefined ? [] : [`took       ${formatSeconds(seconds)}`]),
    ...(isDetailed(job) ? storageLines(job) : []),
    ...binLines(job),
  ].map(printable);
  const steps = formatTable(
    ['STEP', 'ENGINE', 'STATE', 'FRAMES'],
    job.steps.map((step) => [step.name, engineText(step), step.state, framesText(step.frames)]),
  );
  return [facts.join('\n'), steps, ...(isDetailed(job) ? stepTexts(job) : [])].join('\n\n');
}

const engineText = (step: JobSummary['steps'][number] | StepDetails): string =>
  'engineVersion' in step && step.engineVersion !== null
    ? `${step.engine} ${step.engineVersion}`
    : step.engine;

const isDetailed = (job: JobSummary | JobDetails): job is JobDetails => 'preempt' in job;

function storageLines({ storage, kept }: JobDetails): string[] {
  const stored = storage && `${count(storage.files, 'file')}, ${formatBytes(storage.bytes)}`;
  return [
    ...(stored === undefined ? [] : [line('storage', stored)]),
    ...(kept === true ? [line('kept', 'for good')] : []),
  ];
}

function binLines({ bin }: JobSummary): string[] {
  if (bin === undefined) return [];
  const until = bin.until === null ? 'until "delete --now"' : `until ${bin.until}`;
  return [line('in the bin', `${until}, put there by ${bin.by} at ${bin.since}`)];
}

/** `3 frames wait for your decision: ./farmhand accept, retry or skip j`. */
export const decisionsText = (id: string, { frames }: WaitingDecisions): string =>
  `${count(frames, 'frame')} ${frames === 1 ? 'waits' : 'wait'} for your decision: ./farmhand accept, retry or skip ${id}`;

const line = (label: string, text: string): string => `${label.padEnd(11)}${text}`;

function detailLines(job: JobDetails): string[] {
  return [
    ...job.dependsOn.map(({ job: id, name, state }) => line('after', `job ${id} (${name}), ${state}`)),
    ...(job.notBefore === null ? [] : [line('not before', job.notBefore)]),
    ...jobFacts(job).map(({ label, text }) => line(label, text)),
  ];
}

/** What was set for each step; nothing of those where all is as usual. */
function stepTexts(job: JobDetails): string[] {
  return job.steps.flatMap((step) => {
    // Why a step is held stands above as what keeps the job.
    const facts = stepFacts(step).filter(({ text }) => text !== job.error);
    const lines = facts.map(({ label, text }) => printable(`  ${line(label, text)}`));
    return lines.length === 0 ? [] : [[printable(step.name), ...lines].join('\n')];
  });
}
