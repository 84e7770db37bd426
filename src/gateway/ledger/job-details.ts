import { sql, type SqlBool } from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import type { JobDetails, StepDetails, StepNeed } from '../../shared/contracts/job-details.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { selectJobSummaries, toJobSummary, type JobSummaryRow } from '../../shared/database/job-summaries.ts';
import type { StepRequirements } from '../../shared/database/schema.ts';

interface PlanRow {
  name: string;
  engine_version: string | null;
  requires: StepRequirements;
  licences: string[];
  chunk: string;
  target_seconds: number;
  hold_reason: string | null;
  depends_on: StepNeed[];
}
type DetailsRow = JobSummaryRow & {
  preempt: boolean;
  preview: 'first-middle-last' | null;
  not_before: Date | null;
  limit_running: number | null;
  kept: boolean;
  files: string | null;
  bytes: string | null;
  depends_on: JobDetails['dependsOn'];
  plans: PlanRow[];
};

/** Those of the jobs that exist, with how they are to be rendered, in one statement: all of it is of one moment. */
export async function readJobDetails(ledger: Ledger, jobIds: readonly string[]): Promise<JobDetails[]> {
  if (jobIds.length === 0) return [];
  const rows = await selectDetails(ledger)
    .where(sql<SqlBool>`jobs.id = ANY(${[...jobIds]})`)
    .execute();
  return rows.map(toJobDetails);
}

function selectDetails(ledger: Ledger) {
  return selectJobSummaries(ledger)
    .select(['jobs.preempt', 'jobs.not_before', 'jobs.limit_running'])
    .select(['jobs.kept', 'jobs.files', 'jobs.bytes'])
    .select(sql<'first-middle-last' | null>`jobs.document->>'preview'`.as('preview'))
    .select((job) => [
      jsonArrayFrom(
        job
          .selectFrom('job_dependencies as needed')
          .innerJoin('jobs as other', 'other.id', 'needed.depends_on')
          .whereRef('needed.job_id', '=', 'jobs.id')
          .select(['other.id as job', 'other.name', 'other.state'])
          .orderBy('other.submitted_at')
          .orderBy('other.id'),
      ).as('depends_on'),
      jsonArrayFrom(
        job
          .selectFrom('steps as plan')
          .whereRef('plan.job_id', '=', 'jobs.id')
          .select([
            'plan.name',
            'plan.engine_version',
            'plan.chunk',
            'plan.target_seconds',
            'plan.hold_reason',
          ])
          .select(sql<StepRequirements>`plan.spec->'requires'`.as('requires'))
          .select(sql<string[]>`plan.spec->'licences'`.as('licences'))
          .select((step) =>
            jsonArrayFrom(
              step
                .selectFrom('step_dependencies as needed')
                .innerJoin('steps as other', 'other.key', 'needed.depends_on')
                .whereRef('needed.step_key', '=', 'plan.key')
                .select(sql<string | null>`NULLIF(other.job_id, plan.job_id)`.as('job'))
                .select(['other.name as step', 'needed.kind', 'needed.frame_offset as offset'])
                .select('needed.frame_window as window')
                .orderBy('other.key'),
            ).as('depends_on'),
          )
          .orderBy('plan.position'),
      ).as('plans'),
    ]);
}

function toJobDetails(row: DetailsRow): JobDetails {
  const summary = toJobSummary(row);
  const plans = new Map(row.plans.map((plan) => [plan.name, plan]));
  return {
    ...summary,
    preempt: row.preempt,
    preview: row.preview,
    notBefore: row.not_before?.toISOString() ?? null,
    limits: { running: row.limit_running },
    dependsOn: row.depends_on,
    ...(row.kept ? { kept: true } : {}),
    ...(row.files === null ? {} : { storage: { files: Number(row.files), bytes: Number(row.bytes ?? 0) } }),
    steps: summary.steps.flatMap((step) => {
      const plan = plans.get(step.name);
      return plan ? [toStepDetails(step, plan)] : [];
    }),
  };
}

function toStepDetails(step: JobSummary['steps'][number], plan: PlanRow): StepDetails {
  const { chunk } = plan;
  return {
    ...step,
    dependsOn: plan.depends_on,
    requires: plan.requires,
    engineVersion: plan.engine_version,
    chunk: chunk === 'auto' || chunk === 'sequential' ? chunk : Number(chunk),
    targetSeconds: plan.target_seconds,
    licences: plan.licences,
    holdReason: plan.hold_reason,
  };
}
