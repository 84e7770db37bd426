import { jsonArrayFrom } from 'kysely/helpers/postgres';
import { sql, type Selectable } from 'kysely';
import type { JobSummary } from '../contracts/messages.ts';
import type { WaitingDecisions } from '../contracts/quality-api.ts';
import { noFrames, sweptCounts, type FrameCounts, type FrameState } from '../domain/states.ts';
import type { Ledger } from './connect.ts';
import type { JobsTable, StepsTable } from './schema.ts';
import { WAITING_DECISIONS } from './waiting-decisions.ts';

const JOB_COLUMNS = [
  'jobs.id',
  'jobs.name',
  'jobs.owner',
  'jobs.project',
  'jobs.labels',
  'jobs.priority',
  'jobs.state',
  'jobs.error',
  'jobs.submitted_at',
  'jobs.started_at',
  'jobs.finished_at',
  'jobs.delivered_at',
  'jobs.binned_at',
  'jobs.binned_by',
  'jobs.erase_at',
] as const;

const STEP_COLUMNS = [
  'steps.name',
  'steps.engine',
  'steps.state',
  'steps.frame_total',
  'steps.frames_expanded',
  'steps.waiting',
  'steps.ready',
  'steps.queued',
  'steps.running',
  'steps.done',
  'steps.failed',
  'steps.held',
  'steps.skipped',
  'steps.cancelled',
  'steps.entry_state',
  'steps.sweep',
] as const;

type StepPart = Pick<
  Selectable<StepsTable>,
  'name' | 'engine' | 'state' | 'frame_total' | 'frames_expanded' | 'entry_state' | 'sweep' | FrameState
>;
export type JobSummaryRow = Pick<
  Selectable<JobsTable>,
  | 'id'
  | 'name'
  | 'owner'
  | 'project'
  | 'labels'
  | 'priority'
  | 'state'
  | 'error'
  | 'submitted_at'
  | 'started_at'
  | 'finished_at'
  | 'delivered_at'
> &
  Partial<Pick<Selectable<JobsTable>, 'binned_at' | 'binned_by' | 'erase_at'>> & {
    steps: StepPart[];
    decisions?: WaitingDecisions | null;
  };

/**
 * Jobs with their steps in one statement, so that the counts of all steps are of one moment. Add `where`, `orderBy`
 * and `limit`, and turn each row into a summary with {@link toJobSummary}.
 */
export function selectJobSummaries(ledger: Ledger) {
  return ledger
    .selectFrom('jobs')
    .select(JOB_COLUMNS)
    .select(WAITING_DECISIONS.as('decisions'))
    .select((expression) =>
      jsonArrayFrom(
        expression
          .selectFrom('steps')
          .select(STEP_COLUMNS)
          .whereRef('steps.job_id', '=', 'jobs.id')
          .orderBy('steps.position'),
      ).as('steps'),
    );
}

export function toJobSummary(row: JobSummaryRow): JobSummary {
  const steps = row.steps.map((step) => ({
    name: step.name,
    engine: step.engine,
    state: step.state,
    frames: { total: step.frame_total, ...countsOf(step) },
  }));
  const frames = { total: 0, ...noFrames() };
  for (const step of steps) {
    for (const key of Object.keys(frames) as (keyof typeof frames)[]) frames[key] += step.frames[key];
  }
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    project: row.project,
    labels: row.labels,
    priority: row.priority,
    state: row.state,
    frames,
    steps,
    error: row.error,
    submittedAt: row.submitted_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    deliveredAt: row.delivered_at?.toISOString() ?? null,
    ...(row.decisions ? { decisions: row.decisions } : {}),
    ...binOf(row),
  };
}

function binOf({ binned_at, binned_by, erase_at }: JobSummaryRow): Pick<JobSummary, 'bin'> {
  if (!binned_at) return {};
  return {
    bin: {
      since: binned_at.toISOString(),
      by: binned_by ?? 'unknown',
      until: erase_at?.toISOString() ?? null,
    },
  };
}

/** Frames of a large step whose rows are still being written have not been touched: they wait, or are cancelled. */
function countsOf(step: StepPart): FrameCounts {
  const counts = noFrames();
  for (const state of Object.keys(counts) as FrameState[]) counts[state] = step[state];
  counts[step.entry_state === 'cancelled' ? 'cancelled' : 'waiting'] +=
    step.frame_total - step.frames_expanded;
  return sweptCounts(counts, step.sweep, step.entry_state);
}

/** @returns the job as the ledger has it now, or undefined when there is none of that id. */
export async function readJobSummary(ledger: Ledger, jobId: string): Promise<JobSummary | undefined> {
  const row = await selectJobSummaries(ledger).where('jobs.id', '=', jobId).executeTakeFirst();
  return row && toJobSummary(row);
}

/** Those of the jobs that exist, in no particular order. */
export async function readJobSummaries(ledger: Ledger, jobIds: readonly string[]): Promise<JobSummary[]> {
  if (jobIds.length === 0) return [];
  const rows = await selectJobSummaries(ledger)
    .where('jobs.id', '=', sql<string>`ANY(${[...jobIds]})`)
    .modifyFront(sql`/* prepared */`)
    .execute();
  return rows.map(toJobSummary);
}
