import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { DEFAULT_OWNER, DEFAULT_PRIORITY, DEFAULT_PROJECT } from '../../shared/contracts/job-document.ts';
import type { PlannedJob } from '../intake/job-plan.ts';
import { firstSteps, positionedRuns, stepRow, type FirstStep } from './job-repository.ts';

/** A job to write, with the id that its document brings. */
export interface JobToInsert {
  id: string;
  plan: PlannedJob;
}

/**
 * Writes many jobs with their steps and first frames in one statement, which is one transaction. It is for jobs without notes
 * and idempotency keys that wait for no other job, as rows of a batch are; any other is written by itself (job-repository.ts).
 * @returns ids of the jobs that were written, and whether all their frames were; an id that was there already is left out
 */
export async function insertJobs(
  ledger: Ledger,
  jobs: readonly JobToInsert[],
): Promise<Map<string, boolean>> {
  const steps = jobs.flatMap(({ id, plan }) => firstSteps(plan).map((step) => ({ ...step, job: id })));
  const { rows } = await insertRows(ledger, jobs, steps);
  const written = new Map(rows.map(({ id }) => [id, true]));
  for (const { job, first, frameTotal } of steps)
    if (first < frameTotal && written.has(job)) written.set(job, false);
  return written;
}

function insertRows(
  ledger: Ledger,
  jobs: readonly JobToInsert[],
  steps: readonly (FirstStep & { job: string })[],
) {
  const runs = steps.flatMap((step) => positionedRuns(step).map((run) => ({ ...run, job: step.job })));
  const needed = steps.flatMap((step) =>
    step.dependencies.flatMap((one) => ('step' in one ? [{ ...one, job: step.job, of: step.name }] : [])),
  );
  return sql<{ id: string }>`
    WITH new_jobs AS (
      INSERT INTO jobs (id, name, owner, project, labels, priority, state, document, document_sha256, not_before, preempt, limit_running)
      SELECT id, name, owner, project, labels, priority, 'queued', document, document_sha256, not_before, preempt, limit_running
      FROM jsonb_to_recordset(${JSON.stringify(jobs.map(jobRow))}::jsonb) AS w(id text, name text, owner text, project text, labels jsonb,
        priority integer, document jsonb, document_sha256 text, not_before timestamptz, preempt boolean, limit_running integer)
      ORDER BY id
      ON CONFLICT DO NOTHING RETURNING id
    ),
    new_steps AS (
      INSERT INTO steps (job_id, name, position, engine, engine_version, spec, chunk, target_seconds, state, frame_total, entry_state, frames_expanded, waiting, ready)
      SELECT new_jobs.id, s.name, s.position, s.engine, s.engine_version, s.spec, s.chunk, s.target_seconds, 'queued', s.frame_total, s.entry_state::frame_state, s.first,
        CASE WHEN s.entry_state = 'waiting' THEN s.first ELSE 0 END, CASE WHEN s.entry_state = 'ready' THEN s.first ELSE 0 END
      FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(steps.map((step) => ({ ...stepRow(step), job: step.job })))}::jsonb)
        AS (job text, name text, position integer, engine text, engine_version text, spec jsonb, chunk text, target_seconds float8, frame_total integer, entry_state text, first integer))
        WITH ORDINALITY AS s(job, name, position, engine, engine_version, spec, chunk, target_seconds, frame_total, entry_state, first, ordinal)
      JOIN new_jobs ON new_jobs.id = s.job
      ORDER BY s.ordinal
      RETURNING key, job_id, name, entry_state
    ),
    dependencies AS (
      INSERT INTO step_dependencies (step_key, depends_on, kind, frame_offset, frame_window)
      SELECT later.key, earlier.key, p.kind, p.shift, p.around
      FROM unnest(
        ${needed.map((one) => one.job)}::text[], ${needed.map((one) => one.of)}::text[], ${needed.map((one) => one.step)}::text[],
        ${needed.map((one) => one.kind)}::text[], ${needed.map((one) => one.offset)}::int[], ${needed.map((one) => one.window)}::int[]
      ) AS p(job, step, needed, kind, shift, around)
      JOIN new_steps later ON later.job_id = p.job AND later.name = p.step
      JOIN new_steps earlier ON earlier.job_id = p.job AND earlier.name = p.needed
    ),
    new_frames AS (
      INSERT INTO frames (step_key, number, position, state)
      SELECT s.key, r.start + r.step * i, r.position + i, s.entry_state
      FROM unnest(
        ${runs.map((run) => run.job)}::text[], ${runs.map((run) => run.name)}::text[], ${runs.map((run) => run.position)}::int[],
        ${runs.map((run) => run.start)}::int[], ${runs.map((run) => run.step)}::int[], ${runs.map((run) => run.count)}::int[]
      ) AS r(job, name, position, start, step, count)
      JOIN new_steps s ON s.job_id = r.job AND s.name = r.name CROSS JOIN LATERAL generate_series(0, r.count - 1) AS i
    )
    SELECT id FROM new_jobs`.execute(ledger);
}

const jobRow = ({ id, plan: { document, documentSha256 } }: JobToInsert) => ({
  id,
  name: document.name,
  owner: document.owner ?? DEFAULT_OWNER,
  project: document.project ?? DEFAULT_PROJECT,
  labels: document.labels ?? {},
  priority: document.priority ?? DEFAULT_PRIORITY,
  document,
  document_sha256: documentSha256,
  not_before: document.notBefore ?? null,
  preempt: document.preempt ?? false,
  limit_running: document.limits?.running ?? null,
});
