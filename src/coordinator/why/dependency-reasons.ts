import { isEndedJob } from '../../shared/domain/states.ts';
import type { Reason, UpstreamView, WhyInput, WhyStep } from './why-input.ts';
import { count, span } from './wording.ts';

/** What the job as a whole waits for: other jobs. */
export function jobDependencyReasons({ job }: WhyInput): Reason[] {
  return job.dependsOn
    .filter((upstream) => upstream.state !== 'completed')
    .map((upstream) => ({
      cause: 'dependency',
      step: null,
      text: `waits for job ${upstream.jobId}: ${howFar(upstream)}`,
      figures: figuresOf(upstream, job.id),
    }));
}

/** What a step's waiting frames wait for. Frames that wait for nothing that is open wait for the whole job's reasons. */
export function dependencyReasons(step: WhyStep, { job }: WhyInput): Reason[] {
  if (step.counts.waiting === 0) return [];
  const waiting = count(step.counts.waiting, 'frame');
  return step.dependsOn
    .filter((upstream) => upstream.done < upstream.total)
    .map((upstream) => {
      const name =
        upstream.jobId === job.id
          ? `step ${upstream.step ?? ''}`
          : `step ${upstream.step ?? ''} of job ${upstream.jobId}`;
      const how = upstream.kind === 'all' ? `all of ${name}` : `the frames of ${name} that belong to them`;
      return {
        cause: 'dependency',
        step: step.name,
        text: `${waiting} ${step.counts.waiting === 1 ? 'waits' : 'wait'} for ${how}: ${howFar(upstream)}`,
        figures: { ...figuresOf(upstream, job.id), waiting: step.counts.waiting },
      } satisfies Reason;
    });
}

function howFar(upstream: UpstreamView): string {
  const { done, total, stuck, state, jobId } = upstream;
  const progress = `${done.toLocaleString('en')} of ${count(total, 'frame')} ${done === 1 ? 'is' : 'are'} done`;
  const left = total - done - stuck;
  if (stuck > 0) {
    const ended = `${count(stuck, 'frame')} of it failed or ${stuck === 1 ? 'was' : 'were'} cancelled or held`;
    return `${progress}, but ${ended}. Render ${stuck === 1 ? 'it' : 'them'} again (./farmhand retry ${jobId}) or go without (./farmhand skip ${jobId})`;
  }
  if (isEndedJob(state) && state !== 'completed')
    return `${progress}, and it is ${state}. Let it go on (./farmhand ${state === 'failed' ? 'retry' : 'resume'} ${jobId})`;
  if (state === 'paused')
    return `${progress}, and it is paused. Let it go on with ./farmhand resume ${jobId}`;
  const { secondsPerFrame } = upstream;
  const work = secondsPerFrame === null ? '' : ` (${span(left * secondsPerFrame)} of work for one slot)`;
  return `${progress}${left > 0 ? `, ${left.toLocaleString('en')} ${left === 1 ? 'is' : 'are'} left${work}` : ''}`;
}

const figuresOf = (upstream: UpstreamView, jobId: string): Reason['figures'] => ({
  job: upstream.jobId === jobId ? null : upstream.jobId,
  dependsOn: upstream.step,
  done: upstream.done,
  total: upstream.total,
  stuck: upstream.stuck,
});
