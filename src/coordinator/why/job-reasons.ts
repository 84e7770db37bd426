import { isEndedJob } from '../../shared/domain/states.ts';
import { jobDependencyReasons } from './dependency-reasons.ts';
import { openFrames } from './expectations.ts';
import type { Reason, WhyInput, WhyStep } from './why-input.ts';
import { count, isAre, moment } from './wording.ts';

/** What stands before the whole job. */
export function jobReasons(input: WhyInput): Reason[] {
  const { job, leader, nowMs } = input;
  const whole = (cause: Reason['cause'], text: string, figures: Reason['figures'] = {}): Reason => ({
    cause,
    step: null,
    text,
    figures,
  });
  if (isEndedJob(job.state)) return [endedReason(input)];
  if (job.state === 'paused')
    return [
      whole(
        'paused',
        `Somebody paused it: ${count(total(input, openFrames), 'frame')} wait. Let it go on with ./farmhand resume ${job.id}`,
      ),
    ];
  const reasons: Reason[] = [];
  if (job.notBeforeMs !== null && job.notBeforeMs > nowMs)
    reasons.push(
      whole('not-before', `It was asked not to begin before ${moment(job.notBeforeMs, nowMs)}`, {
        seconds: Math.ceil((job.notBeforeMs - nowMs) / 1_000),
      }),
    );
  reasons.push(...jobDependencyReasons(input));
  if (!leader)
    reasons.push(
      whole(
        'no-leader',
        'No coordinator gives out work at the moment; one takes over within a few seconds. If this lasts, look at ./farmhand status',
      ),
    );
  return reasons;
}

function endedReason({ job, steps }: WhyInput): Reason {
  const frames = steps.reduce((sum, step) => sum + step.total, 0);
  const done = steps.reduce((sum, step) => sum + step.counts.done, 0);
  const failed = steps.reduce((sum, step) => sum + step.counts.failed, 0);
  const figures = { frames, done, failed };
  const said = `${done.toLocaleString('en')} of ${count(frames, 'frame')} ${done === 1 ? 'is' : 'are'} done`;
  const text =
    job.state === 'completed'
      ? `It waits for nothing: ${said}`
      : job.state === 'cancelled'
        ? `It was cancelled: ${said}. Let it go on with ./farmhand resume ${job.id}`
        : `It has ended: ${said}, ${failed.toLocaleString('en')} failed. Render them again with ./farmhand retry ${job.id}`;
  return { cause: 'ended', step: null, text, figures };
}

export function heldReasons(step: WhyStep, { job }: WhyInput): Reason[] {
  const { decisions = 0 } = step;
  const held = Math.max(0, step.counts.held - decisions);
  const undecided = decisions === 0 ? [] : [decisionReason(step, decisions, job)];
  if (held === 0) return undecided;
  const why = step.holdReason ?? job.error ?? 'a person has to decide';
  return [
    ...undecided,
    {
      cause: 'held',
      step: step.name,
      text: `${count(held, 'frame')} ${isAre(held)} held: ${why.replace(/\.$/, '')}. Let ${held === 1 ? 'it' : 'them'} go on with ./farmhand resume ${job.id}, or end the job`,
      figures: { held },
    },
  ];
}

function decisionReason(step: WhyStep, frames: number, { id, error }: WhyInput['job']): Reason {
  const found = error === null ? '' : ` (${error.replace(/\.$/, '')})`;
  return {
    cause: 'held',
    step: step.name,
    text: `${count(frames, 'frame')} ${frames === 1 ? 'waits' : 'wait'} for your decision${found}: ./farmhand accept, retry or skip ${id}`,
    figures: { decisions: frames },
  };
}

const total = ({ steps }: WhyInput, of: (step: WhyStep) => number): number =>
  steps.reduce((sum, step) => sum + of(step), 0);
