import type { BatchState, BatchSummary, RefusedRow } from '../../../src/shared/contracts/batch.ts';
import { isEndedJob, type JobState } from '../../../src/shared/contracts/realtime.ts';
import { JOB_LOOKS, type StateLook } from '../common/states.ts';
import { plural } from '../common/units.ts';

const LOOKS: Record<BatchState, StateLook> = {
  checking: { ...JOB_LOOKS.queued, word: 'Checking rows' },
  expanding: { ...JOB_LOOKS.running, word: 'Taking rows' },
  expanded: { ...JOB_LOOKS.running, word: 'Rendering' },
  refused: { ...JOB_LOOKS.failed, word: 'Refused' },
  cancelling: { ...JOB_LOOKS.cancelled, word: 'Cancelling' },
  cancelled: JOB_LOOKS.cancelled,
};

/** A batch whose rows are all jobs is as far as these are. */
export function batchLook({ state, ended, jobs, rows }: BatchSummary): StateLook {
  if (state !== 'expanded' || !ended) return LOOKS[state];
  const whole = rows.refused === 0 && (jobs.completed ?? 0) === rows.accepted;
  return whole ? JOB_LOOKS.completed : { ...JOB_LOOKS.failed, word: 'Ended with failures' };
}

const states = (jobs: BatchSummary['jobs']): [JobState, number][] =>
  Object.entries(jobs) as [JobState, number][];

/** `12 of 100 rows completed, 2 failed, 1 refused` */
export function batchSentence({ rows, jobs }: BatchSummary): string {
  const total = rows.total ?? rows.accepted + rows.refused;
  const others = states(jobs).filter(([state, count]) => state !== 'completed' && count > 0);
  return [
    `${(jobs.completed ?? 0).toLocaleString('en-US')} of ${plural(total, 'row')} completed`,
    ...others.map(([state, count]) => `${count.toLocaleString('en-US')} ${state}`),
    ...(rows.refused > 0 ? [`${rows.refused.toLocaleString('en-US')} refused`] : []),
  ].join(', ');
}

/** Whole percent of its rows that have ended or were refused; 100 only when all have. */
export function batchPercent({ rows, jobs }: BatchSummary): number {
  const total = rows.total ?? 0;
  if (total === 0) return 0;
  const ended = states(jobs).reduce((sum, [state, count]) => sum + (isEndedJob(state) ? count : 0), 0);
  return Math.min(100, Math.floor(((ended + rows.refused) / total) * 100));
}

/** What is wrong with a row, in one line: `/title: nothing; expected a value`. */
export function refusalText({ errors }: RefusedRow): string {
  return errors
    .map(({ path, value, expected }) => `${path === '' ? '' : `${path}: `}${value}; expected ${expected}`)
    .join('. ');
}

/** What cancelling does, in numbers. */
export function cancelText({ rows, jobs }: BatchSummary): string {
  const open = states(jobs).reduce((sum, [state, count]) => sum + (isEndedJob(state) ? 0 : count), 0);
  const ended = rows.accepted - open;
  const told =
    ended === 1
      ? ' 1 job that has ended stays as it is.'
      : ` ${plural(ended, 'job')} that have ended stay as they are.`;
  const kept = ended > 0 ? told : '';
  return `No more rows are taken, and ${plural(open, 'job')} will be cancelled.${kept}`;
}
