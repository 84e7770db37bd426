import { sql } from 'kysely';
import { controlSentence } from '../../shared/contracts/control-sentence.ts';
import type { JobControl } from '../../shared/contracts/messages.ts';
import type { ChosenFrames } from '../../shared/domain/chosen-frames.ts';
import type { ControlFigures } from '../../shared/domain/control-figures.ts';
import type { InputIssue } from '../../shared/domain/errors.ts';
import {
  FRAME_STATES,
  isEndedJob,
  type FrameCounts,
  type FrameState,
  type JobState,
  type Sweep,
} from '../../shared/domain/states.ts';
import type { EndedTask } from '../ledger/end-tasks.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { StepInfos } from '../ledger/step-info.ts';

export interface ControlledJob {
  id: string;
  state: JobState;
  paused: boolean;
  priority: number;
  limit_running: number | null;
  kept: boolean;
  binned_at: Date | null;
  binned_by: string | null;
  erasing: boolean;
  erased_at: Date | null;
  project: string;
}

/** A step of the job, as it is under the job's lock. */
export type ControlledStep = {
  key: string;
  name: string;
  engine: string;
  state: JobState;
  chunk: string;
  target_seconds: number;
  frame_total: number;
  frames_expanded: number;
  entry_state: FrameState;
  sweep: Sweep | null;
  sweep_frames: ChosenFrames[] | null;
  hold_reason: string | null;
} & FrameCounts;

/** What a verb works with: the job's row is locked, and all it writes is one transaction. */
export interface ControlContext {
  trx: LedgerTransaction;
  infos: StepInfos;
  job: ControlledJob;
  steps: readonly ControlledStep[];
  control: JobControl;
}

/** Frames that the worker of a running attempt is to leave out. */
export interface DroppedFrames {
  worker: string;
  attempt: string;
  frames: number[];
}

export interface ControlOutcome {
  ok: boolean;
  /** A sentence for whoever asked. */
  message: string;
  /** False when nothing is otherwise than before. */
  changed: boolean;
  /** It was only asked what would happen. */
  dryRun?: boolean;
  figures?: ControlFigures;
  errors?: readonly InputIssue[];
  /** `resubmit`: the new job. */
  jobId?: string;
  /** What workers are told once it is in the ledger; messages that wait are deleted then, too. */
  workers?: 'stop' | 'release';
  /** Tasks that were taken back: their messages are deleted. */
  removed?: readonly EndedTask[];
  drops?: readonly DroppedFrames[];
}

export const nothing = (message: string): ControlOutcome => ({ ok: true, message, changed: false });
export const refused = (message: string, errors?: readonly InputIssue[]): ControlOutcome => ({
  ok: false,
  message,
  changed: false,
  ...(errors === undefined || errors.length === 0 ? {} : { errors }),
});
/** The answer to a dry run. */
export const would = (
  { control }: Pick<ControlContext, 'control'>,
  figures: ControlFigures,
): ControlOutcome => ({
  ok: true,
  message: controlSentence('would', control, figures),
  changed: false,
  dryRun: true,
  figures,
});
export const did = (
  { control }: Pick<ControlContext, 'control'>,
  figures: ControlFigures,
  more: Partial<ControlOutcome> = {},
): ControlOutcome => ({
  ok: true,
  message: controlSentence('did', control, figures),
  changed: true,
  figures,
  ...more,
});

/** @returns undefined when there is no such job. */
export async function readControlledJob(
  trx: LedgerTransaction,
  jobId: string,
): Promise<Pick<ControlContext, 'job' | 'steps'> | undefined> {
  const job = await trx
    .selectFrom('jobs')
    .select(['id', 'state', 'paused', 'priority', 'limit_running', 'project'])
    .select(['kept', 'binned_at', 'binned_by', 'erasing', 'erased_at'])
    .where('id', '=', jobId)
    .executeTakeFirst();
  if (!job) return undefined;
  const { rows: steps } = await sql<ControlledStep>`
    SELECT key, name, engine, state, chunk, target_seconds, frame_total, frames_expanded, entry_state, sweep, sweep_frames, hold_reason,
      ${sql.join(FRAME_STATES.map((state) => sql.ref(state)))}
    FROM steps WHERE job_id = ${jobId} ORDER BY position`.execute(trx);
  return { job, steps };
}

/** Cancelled, or about to be once the frames under way have ended. */
export const isCancelled = ({ job, steps }: Pick<ControlContext, 'job' | 'steps'>): boolean =>
  steps.some((step) => step.sweep === 'cancel') ||
  (job.state === 'cancelled' && steps.some((step) => step.cancelled > 0 || step.entry_state === 'cancelled'));

export const hasEnded = (context: Pick<ControlContext, 'job' | 'steps'>): boolean =>
  isEndedJob(context.job.state) || isCancelled(context);

/** Frames that have not ended: being rendered, in a task, and not begun. */
export function openFigures(steps: readonly ControlledStep[]): ControlFigures {
  const sum = (of: (step: ControlledStep) => number): number =>
    steps.reduce((total, step) => total + of(step), 0);
  return withoutZeros({
    running: sum((step) => step.running),
    queued: sum((step) => step.queued),
    notBegun: sum((step) => step.waiting + step.ready + step.held + notExpanded(step)),
  });
}

export const notExpanded = (step: ControlledStep): number => step.frame_total - step.frames_expanded;

export function withoutZeros(figures: ControlFigures): ControlFigures {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value > 0));
}

/** The steps that a control message is about; undefined when it names one that is not there. */
export function stepsAskedFor({
  steps,
  control,
}: Pick<ControlContext, 'steps' | 'control'>): readonly ControlledStep[] | undefined {
  if (control.step === undefined) return steps;
  const named = steps.filter((step) => step.name === control.step);
  return named.length > 0 ? named : undefined;
}

export const noSuchStep = ({ control, steps }: Pick<ControlContext, 'control' | 'steps'>): ControlOutcome =>
  refused(
    `The job has no step ${control.step ?? ''}; it has ${steps
      .slice(0, 10)
      .map((step) => step.name)
      .join(', ')}.`,
  );
