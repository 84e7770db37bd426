import type { JobControl } from '../../shared/contracts/messages.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { parseFrameRange, type FrameRun } from '../../shared/domain/frame-ranges.ts';
import { isEndedJob, type JobState } from '../../shared/domain/states.ts';
import { endTasks } from '../ledger/end-tasks.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { cancelFrames, retryFrames, reviveFrames } from './frame-verbs.ts';

export interface ControlledJob {
  id: string;
  state: JobState;
  paused: boolean;
  priority: number;
}

export interface ControlOutcome {
  ok: boolean;
  /** A sentence for whoever asked. */
  message: string;
  /** What workers are told, once it is in the ledger; messages that wait are deleted then, too. */
  workers?: 'stop' | 'release';
  changed: boolean;
}

const done = (message: string, more: Partial<ControlOutcome> = {}): ControlOutcome => ({
  ok: true,
  message,
  changed: true,
  ...more,
});
const nothing = (message: string): ControlOutcome => ({ ok: true, message, changed: false });
const refused = (message: string): ControlOutcome => ({ ok: false, message, changed: false });

/** Does what a control message asks of a job whose row is locked. Every state has one defined answer to every verb. */
export async function applyControl(
  trx: LedgerTransaction,
  steps: StepInfos,
  job: ControlledJob,
  control: JobControl,
): Promise<ControlOutcome> {
  switch (control.verb) {
    case 'pause':
      return pause(trx, steps, job);
    case 'resume':
      return resume(trx, job);
    case 'cancel':
      return cancel(trx, job);
    case 'retry':
      return retry(trx, job, control);
    case 'priority':
      return setPriority(trx, job, control);
    default:
      return refused(`${control.verb} is not known.`);
  }
}

async function pause(trx: LedgerTransaction, steps: StepInfos, job: ControlledJob): Promise<ControlOutcome> {
  if (isEndedJob(job.state)) return refused(`The job has ended (${job.state}); there is nothing to pause.`);
  if (job.paused) return nothing('The job is paused already.');
  await trx.updateTable('jobs').set({ paused: true }).where('id', '=', job.id).execute();
  const queued = await trx
    .selectFrom('tasks')
    .select(['key', 'attempt'])
    .where('job_id', '=', job.id)
    .where('state', '=', 'queued')
    .execute();
  if (queued.length > 0)
    await endTasks(trx, steps, queued, {
      outcome: 'released',
      blame: 'none',
      delaySeconds: 0,
      mayBeHeld: true,
      error: 'The job was paused.',
    });
  await settleJobs(trx, [job.id]);
  return done('The job is paused; frames under way are finished first.', { workers: 'release' });
}

async function resume(trx: LedgerTransaction, job: ControlledJob): Promise<ControlOutcome> {
  const revived = await reviveFrames(trx, job.id);
  if (job.paused) await trx.updateTable('jobs').set({ paused: false }).where('id', '=', job.id).execute();
  if (job.paused || revived > 0) {
    await settleJobs(trx, [job.id]);
    return done(
      revived > 0
        ? `The job goes on; ${frames(revived)} that had been cancelled are rendered after all.`
        : 'The job goes on.',
    );
  }
  if (isEndedJob(job.state))
    return refused(`The job has ended (${job.state}); "retry" renders failed or chosen frames again.`);
  return nothing('The job is not paused.');
}

async function cancel(trx: LedgerTransaction, job: ControlledJob): Promise<ControlOutcome> {
  if (job.state === 'cancelled') return nothing('The job is cancelled already.');
  if (isEndedJob(job.state)) return refused(`The job has ended (${job.state}); there is nothing to cancel.`);
  await trx.updateTable('jobs').set({ paused: false }).where('id', '=', job.id).execute();
  const cancelled = await cancelFrames(trx, job.id);
  await settleJobs(trx, [job.id]);
  return done(
    `The job is cancelled with ${frames(cancelled)} that had not ended; "resume" brings them back.`,
    {
      workers: 'stop',
    },
  );
}

async function retry(
  trx: LedgerTransaction,
  job: ControlledJob,
  control: JobControl,
): Promise<ControlOutcome> {
  let runs: readonly FrameRun[] | undefined;
  try {
    runs = control.frames === undefined ? undefined : parseFrameRange(control.frames).runs;
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return refused(error.message);
  }
  const { step } = control;
  if (step !== undefined && !(await hasStep(trx, job.id, step)))
    return refused(`The job has no step ${step}.`);
  const retried = await retryFrames(trx, job.id, { runs, step });
  if (retried.frames === 0)
    return refused(
      runs === undefined
        ? 'No frame has failed. Name frames to render them again; "resume" brings cancelled ones back.'
        : 'None of these frames has ended, so there is nothing to render again.',
    );
  await trx.updateTable('jobs').set({ error: null }).where('id', '=', job.id).execute();
  await settleJobs(trx, [job.id]);
  const made = retried.madeFromThem;
  const more = made === 0 ? '' : `, and ${made === 1 ? 'the result' : `${made} results`} made from them`;
  return done(`${frames(retried.frames)} to be rendered again${more}.`);
}

async function hasStep(trx: LedgerTransaction, jobId: string, name: string): Promise<boolean> {
  const row = await trx
    .selectFrom('steps')
    .select('key')
    .where('job_id', '=', jobId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row !== undefined;
}

async function setPriority(
  trx: LedgerTransaction,
  job: ControlledJob,
  control: JobControl,
): Promise<ControlOutcome> {
  const { priority } = control;
  if (priority === undefined) return refused('The new priority is missing; expected a number from 0 to 100.');
  if (isEndedJob(job.state))
    return refused(`The job has ended (${job.state}); its priority means nothing any more.`);
  if (priority === job.priority) return nothing(`The priority is ${priority} already.`);
  await trx.updateTable('jobs').set({ priority }).where('id', '=', job.id).execute();
  return done(`The priority is ${priority} now; it was ${job.priority}.`);
}

const frames = (count: number): string => `${count.toLocaleString('en')} frame${count === 1 ? '' : 's'}`;
