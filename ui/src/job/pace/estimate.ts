import type { JobPace } from '../../../../src/shared/contracts/job-views.ts';
import type { JobSummary } from '../../../../src/shared/contracts/messages.ts';
import { formatSeconds, plural } from '../../common/units.ts';

/** Seconds that are left, at best and at worst. */
export interface Estimate {
  low: number;
  high: number;
  /** Tasks that run at once, on which it rests. */
  running: number;
}

/**
 * From what frames took lately and how many run at once. Null where it would be a guess: nothing runs, or a step with open
 * frames has not finished any.
 */
export function estimate(job: Pick<JobSummary, 'state' | 'steps'>, pace: JobPace): Estimate | null {
  if (job.state !== 'running' || pace.running === 0) return null;
  const known = new Map(pace.steps.map((step) => [step.step, step]));
  let low = 0;
  let high = 0;
  for (const { name, frames } of job.steps) {
    const open = frames.waiting + frames.ready + frames.queued + frames.running;
    if (open === 0) continue;
    const step = known.get(name);
    if (!step) return null;
    const atOnce = Math.min(pace.running, open);
    // The frames that run are somewhere in the middle; the last one may be a slow one.
    low += (Math.max(0, open - frames.running / 2) * step.quick) / atOnce;
    high += Math.max((open * (step.median + step.slow)) / 2 / atOnce, step.slow);
  }
  return { low, high, running: pace.running };
}

/** `12 m 10 s to 18 m 04 s`; one figure where both would read the same. */
export function estimateText({ low, high }: Estimate): string {
  const [from, to] = [formatSeconds(Math.round(low)), formatSeconds(Math.round(high))];
  return from === to ? `about ${to}` : `${from} to ${to}`;
}

export function estimateNote({ running }: Estimate): string {
  return `From what the last frames took, if ${plural(running, 'task')} at a time ${running === 1 ? 'goes' : 'go'} on.`;
}

/** `Frame 12 of render on w1: 4 m 10 s, 20 times its peers; its engine has written nothing for 3 m 02 s.` */
export function stuckText(stuck: JobPace['stuck'][number]): string {
  const { step, frame, worker, seconds, median, silentSeconds } = stuck;
  const what = frame === null ? `Work of ${step}` : `Frame ${frame} of ${step}`;
  const times =
    median > 0 ? `, ${Math.round(seconds / median).toLocaleString('en-US')} times as long as the others` : '';
  const silence =
    silentSeconds === null
      ? 'its engine has written nothing'
      : silentSeconds < 60
        ? 'its engine still writes to its log'
        : `its engine has written nothing for ${formatSeconds(silentSeconds)}`;
  return `${what} on ${worker} runs for ${formatSeconds(seconds)}${times}; ${silence}.`;
}
