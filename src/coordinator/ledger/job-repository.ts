import { sql, type Transaction } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { readJobSummary, toJobSummary } from '../../shared/database/job-summaries.ts';
import type { Database } from '../../shared/database/schema.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import {
  DEFAULT_OWNER,
  DEFAULT_PRIORITY,
  DEFAULT_PROJECT,
  type JobDocument,
} from '../../shared/contracts/job-document.ts';
import { sliceRuns } from '../../shared/domain/frame-ranges.ts';
import { noFrames } from '../../shared/domain/states.ts';
import { documentSha256 } from '../intake/document-hash.ts';
import type { PlannedJob, PlannedStep } from '../intake/job-plan.ts';
import { STEP_MARK } from './step-mark.ts';

export type LedgerTransaction = Transaction<Database>;

/** Rows written with the job itself; the rest of a large job follows in slices (planning/expander.ts). */
export const FIRST_FRAMES = 10_000;

/** A step with the key that it got. */
export type InsertedStep = FirstStep & { key: string; hasFrameDependents: boolean; mark: string };

export type InsertedJob =
  | { outcome: 'accepted'; job: JobSummary; steps: InsertedStep[]; expanded: boolean }
  | { outcome: 'existing'; job: JobSummary }
  | { outcome: 'conflict'; jobId: string; deleted: boolean };

export type FirstStep = PlannedStep & {
  position: number;
  entryState: 'waiting' | 'ready';
  /** Its frames that are written at once. */
  first: number;
};

/**
 * Writes job, steps, dependencies and the first frames in one statement, which is one transaction. The same id or
 * idempotency key with an equal document gives the job that is there; several at once make one job, because the unique
 * index lets the others wait.
 */
export async function insertJob(ledger: Ledger, jobId: string, plan: PlannedJob): Promise<InsertedJob> {
  const steps = firstSteps(plan);
  const { rows } = await insertRows(ledger, jobId, plan, steps);
  const submittedAt = rows[0]?.submitted_at;
  if (submittedAt === undefined) return existingJob(ledger, jobId, plan);
  const written = new Map(rows.map((row) => [row.name, row]));
  const waitedFor = new Set(
    steps.flatMap((step) =>
      step.dependencies.flatMap((one) => ('step' in one && one.kind === 'frame' ? [one.step] : [])),
    ),
  );
  return {
    outcome: 'accepted',
    job: summaryOf(jobId, plan, steps, submittedAt),
    steps: steps.flatMap((step) => {
      const row = written.get(step.name);
      if (!row) return [];
      return [{ ...step, key: row.key, mark: row.mark, hasFrameDependents: waitedFor.has(step.name) }];
    }),
    expanded: steps.every((step) => step.first === step.frameTotal),
  };
}

export function firstSteps(plan: PlannedJob): FirstStep[] {
  let left = FIRST_FRAMES;
  return plan.steps.map((step) => {
    const first = Math.min(left, step.frameTotal);
    left -= first;
    const waits = step.dependencies.length > 0 || plan.waitsForJobs.length > 0;
    return { ...step, first, entryState: waits ? 'waiting' : 'ready' };
  });
}

/** @returns the steps' keys, which grow in the order of dependencies; nothing when the job was there already. */
function insertRows(ledger: Ledger, jobId: string, plan: PlannedJob, steps: readonly FirstStep[]) {
  const { document } = plan;
  const runs = steps.flatMap((step) => positionedRuns(step));
  const needed = steps.flatMap((step) => step.dependencies.map((one) => ({ ...one, of: step.name })));
  const here = needed.flatMap((one) => ('step' in one ? [one] : []));
  const elsewhere = needed.flatMap((one) => ('job' in one ? [one] : []));
  return sql<{ key: string; name: string; submitted_at: Date; mark: string }>`/* prepared */
    WITH job AS (
      INSERT INTO jobs (id, name, owner, project, labels, priority, state, idempotency_key, document, document_sha256, not_before,
        preempt, limit_running)
      VALUES (${jobId}, ${document.name}, ${ownerOf(plan)}, ${projectOf(plan)}, ${JSON.stringify(document.labels ?? {})},
        ${document.priority ?? DEFAULT_PRIORITY}, 'queued', ${document.idempotencyKey ?? null},
        ${JSON.stringify(document)}, ${plan.documentSha256}, ${document.notBefore === undefined ? null : new Date(document.notBefore)},
        ${document.preempt ?? false}, ${document.limits?.running ?? null})
      ON CONFLICT DO NOTHING RETURNING id, submitted_at, priority, paused, limit_running, not_before
    ),
    new_steps AS (
      INSERT INTO steps (job_id, name, position, engine, engine_version, spec, chunk, target_seconds, state, frame_total, entry_state, frames_expanded, waiting, ready)
      SELECT job.id, s.name, s.position, s.engine, s.engine_version, s.spec, s.chunk, s.target_seconds, 'queued', s.frame_total, s.entry_state::frame_state, s.first,
        CASE WHEN s.entry_state = 'waiting' THEN s.first ELSE 0 END, CASE WHEN s.entry_state = 'ready' THEN s.first ELSE 0 END
      FROM job CROSS JOIN ROWS FROM (jsonb_to_recordset(${JSON.stringify(steps.map(stepRow))}::jsonb)
        AS (name text, position integer, engine text, engine_version text, spec jsonb, chunk text, target_seconds float8, frame_total integer, entry_state text, first integer))
        WITH ORDINALITY AS s(name, position, engine, engine_version, spec, chunk, target_seconds, frame_total, entry_state, first, ordinal)
      ORDER BY s.ordinal
      RETURNING key, name, entry_state, done, sweep, chunk, target_seconds, engine_version, retry_at
    ),
    dependencies AS (
      INSERT INTO step_dependencies (step_key, depends_on, kind, frame_offset, frame_window)
      SELECT later.key, earlier.key, p.kind, p.shift, p.around
      FROM unnest(
        ${here.map((one) => one.of)}::text[], ${here.map((one) => one.step)}::text[], ${here.map((one) => one.kind)}::text[],
        ${here.map((one) => one.offset)}::int[], ${here.map((one) => one.window)}::int[]
      ) AS p(step, needed, kind, shift, around)
      JOIN new_steps later ON later.name = p.step JOIN new_steps earlier ON earlier.name = p.needed
      UNION ALL
      SELECT later.key, earlier.key, p.kind, p.shift, p.around
      FROM unnest(
        ${elsewhere.map((one) => one.of)}::text[], ${elsewhere.map((one) => one.job)}::text[],
        ${elsewhere.map((one) => one.stepOfJob)}::text[], ${elsewhere.map((one) => one.kind)}::text[],
        ${elsewhere.map((one) => one.offset)}::int[], ${elsewhere.map((one) => one.window)}::int[]
      ) AS p(step, job, needed, kind, shift, around)
      JOIN new_steps later ON later.name = p.step
      JOIN steps earlier ON earlier.job_id = p.job AND (p.needed IS NULL OR earlier.name = p.needed)
    ),
    waits AS (
      INSERT INTO job_dependencies (job_id, depends_on)
      SELECT job.id, needed FROM job CROSS JOIN unnest(${plan.waitsForJobs}::text[]) AS needed
    ),
    note AS (
      INSERT INTO job_notes (job_id, author, text)
      SELECT job.id, ${ownerOf(plan)}, ${document.note ?? null}::text FROM job WHERE ${document.note !== undefined}
    ),
    new_frames AS (
      INSERT INTO frames (step_key, number, position, state)
      SELECT s.key, r.start + r.step * i, r.position + i, s.entry_state
      FROM unnest(
        ${runs.map((run) => run.name)}::text[], ${runs.map((run) => run.position)}::int[], ${runs.map((run) => run.start)}::int[],
        ${runs.map((run) => run.step)}::int[], ${runs.map((run) => run.count)}::int[]
      ) AS r(name, position, start, step, count)
      JOIN new_steps s ON s.name = r.name CROSS JOIN LATERAL generate_series(0, r.count - 1) AS i
    )
    SELECT s.key, s.name, j.submitted_at, ${STEP_MARK} AS mark FROM new_steps s CROSS JOIN job j`.execute(
    ledger,
  );
}

export function positionedRuns(step: FirstStep) {
  let position = 0;
  return sliceRuns(step.spec.runs, 0, step.first).map((run) => {
    const row = { ...run, name: step.name, position };
    position += run.count;
    return row;
  });
}

export const stepRow = (step: FirstStep) => ({
  name: step.name,
  position: step.position,
  engine: step.engine,
  engine_version: step.engineVersion,
  spec: step.spec,
  chunk: String(step.chunk),
  target_seconds: step.targetSeconds,
  frame_total: step.frameTotal,
  entry_state: step.entryState,
  first: step.first,
});

const ownerOf = (plan: PlannedJob): string => plan.document.owner ?? DEFAULT_OWNER;
const projectOf = (plan: PlannedJob): string => plan.document.project ?? DEFAULT_PROJECT;

function summaryOf(
  jobId: string,
  plan: PlannedJob,
  steps: readonly FirstStep[],
  submittedAt: Date,
): JobSummary {
  const { document } = plan;
  return toJobSummary({
    id: jobId,
    name: document.name,
    owner: ownerOf(plan),
    project: projectOf(plan),
    labels: document.labels ?? {},
    priority: document.priority ?? DEFAULT_PRIORITY,
    state: 'queued',
    error: null,
    submitted_at: submittedAt,
    started_at: null,
    finished_at: null,
    delivered_at: null,
    steps: [...steps]
      .sort((a, b) => a.position - b.position)
      .map((step) => ({
        ...noFrames(),
        name: step.name,
        engine: step.engine,
        state: 'queued',
        frame_total: step.frameTotal,
        frames_expanded: step.first,
        entry_state: step.entryState,
        sweep: null,
        [step.entryState]: step.first,
      })),
  });
}

/** The job of this id, or of the document's idempotency key, if it was made of an equal document. */
export async function findEqualJob(
  ledger: Ledger,
  jobId: string,
  document: JobDocument,
): Promise<JobSummary | undefined> {
  const row = await findJob(ledger, jobId, document);
  return row?.document_sha256 === documentSha256(document) && row.erased_at === null
    ? readJobSummary(ledger, row.id)
    : undefined;
}

function findJob(ledger: Ledger, jobId: string, document: JobDocument) {
  return (
    ledger
      .selectFrom('jobs')
      .select(['id', 'document_sha256', 'erased_at'])
      .where((where) =>
        where.or([
          where('id', '=', jobId),
          where.and([
            where('owner', '=', document.owner ?? DEFAULT_OWNER),
            where('idempotency_key', '=', document.idempotencyKey ?? ''),
          ]),
        ]),
      )
      // The id that was asked for says more than the key, where both are taken.
      .orderBy((order) => order('id', '=', jobId), 'desc')
      .executeTakeFirst()
  );
}

async function existingJob(ledger: Ledger, jobId: string, plan: PlannedJob): Promise<InsertedJob> {
  const row = await findJob(ledger, jobId, plan.document);
  if (!row) throw new Error(`Job ${jobId} is refused as a duplicate of a job that is not there`);
  const job = await readJobSummary(ledger, row.id);
  const deleted = row.erased_at !== null;
  if (deleted || row.document_sha256 !== plan.documentSha256 || !job)
    return { outcome: 'conflict', jobId: row.id, deleted };
  return { outcome: 'existing', job };
}
