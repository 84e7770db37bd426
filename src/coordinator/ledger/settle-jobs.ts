import { sql } from 'kysely';
import {
  FRAME_STATES,
  isChosenSweep,
  isEndedJob,
  noFrames,
  type FrameState,
  type JobState,
} from '../../shared/domain/states.ts';
import { settleSteps, type Settlement, type SettlingStep } from '../planning/settle-steps.ts';
import type { LedgerTransaction } from './job-repository.ts';
import { releaseByFrame, skipByFrame } from '../dependencies/release-by-frame.ts';

type StepRow = {
  key: string;
  job_id: string;
  name: string;
  state: JobState;
  entry_state: FrameState;
  sweep: SettlingStep['sweep'];
  expanded: boolean;
  judging: boolean;
  depends_on: string[];
  by_frame: string[];
  frame_wise: boolean;
  waits_elsewhere: boolean;
  has_dependencies: boolean;
} & Record<FrameState, number>;

interface JobRow {
  id: string;
  state: JobState;
  paused: boolean;
}

/**
 * Brings the states of steps and jobs up to their frames' counts, releases steps whose dependencies are complete and
 * skips those whose dependencies broke. The jobs' rows are locked by the caller. A fixed number of statements, however
 * many jobs and frames.
 * @returns jobs of which more changed than the caller knows: frames were released or skipped.
 */
export async function settleJobs(trx: LedgerTransaction, jobIds: readonly string[]): Promise<Set<string>> {
  const jobs = await readJobs(trx, jobIds);
  const steps = await readSteps(trx, jobIds);
  const settlements = jobs.map((job) => ({
    job,
    settlement: settleSteps((steps.get(job.id) ?? []).map(toSettling), job.paused),
  }));
  await writeStepStates(
    trx,
    settlements.flatMap(({ settlement }) => settlement.steps),
  );
  await releaseSteps(
    trx,
    settlements.flatMap(({ settlement }) => settlement.release),
  );
  await skipSteps(
    trx,
    settlements.flatMap(({ settlement }) => settlement.skip),
  );
  const byFrame = settlements.flatMap(({ settlement }) => settlement.releaseByFrame);
  const moved = [
    ...(await releaseByFrame(trx, byFrame)),
    ...(await skipByFrame(
      trx,
      settlements.flatMap(({ settlement }) => settlement.skipByFrame),
    )),
  ];
  await writeJobStates(trx, settlements);
  const affected = new Set(
    settlements
      .filter(({ settlement }) => settlement.release.length > 0 || settlement.skip.length > 0)
      .map(({ job }) => job.id),
  );
  const further = new Set(moved.map((frames) => frames.jobId));
  // Frame by frame the states follow from what was moved, and so may those of steps that wait for these.
  if (further.size > 0) for (const jobId of await settleJobs(trx, [...further])) affected.add(jobId);
  return new Set([...affected, ...further]);
}

/**
 * Whether counts that just changed alter the state of a step: only then is the whole job looked at.
 * @returns ids of jobs to settle.
 */
export async function jobsToSettle(trx: LedgerTransaction, stepKeys: readonly string[]): Promise<string[]> {
  if (stepKeys.length === 0) return [];
  const { rows } = await sql<StepRow & { paused: boolean }>`/* prepared */
    SELECT s.key, s.job_id, s.name, s.state, s.entry_state, s.sweep, s.frames_expanded = s.frame_total AS expanded,
      s.judge_due > 0 AS judging, '{}'::bigint[] AS depends_on, '{}'::bigint[] AS by_frame, false AS frame_wise, false AS waits_elsewhere,
      false AS has_dependencies, j.paused, ${sql.join(FRAME_STATES.map((state) => sql.ref(`s.${state}`)))}
    FROM steps s JOIN jobs j ON j.id = s.job_id WHERE s.key = ANY(${[...stepKeys]}::bigint[])`.execute(trx);
  const changed = rows.filter((row) => settleSteps([toSettling(row)], row.paused).steps.length > 0);
  return [...new Set(changed.map((row) => row.job_id))];
}

async function readJobs(trx: LedgerTransaction, jobIds: readonly string[]): Promise<JobRow[]> {
  const { rows } = await sql<JobRow>`/* prepared */
    SELECT id, state, paused FROM jobs WHERE id = ANY(${[...jobIds]})`.execute(trx);
  return rows;
}

async function readSteps(trx: LedgerTransaction, jobIds: readonly string[]): Promise<Map<string, StepRow[]>> {
  const { rows } = await sql<StepRow>`/* prepared */
    SELECT s.key, s.job_id, s.name, s.state, s.entry_state, s.sweep, s.frames_expanded = s.frame_total AS expanded,
      s.judge_due > 0 AS judging, COALESCE(d.whole, '{}') AS depends_on, COALESCE(d.by_frame, '{}') AS by_frame, COALESCE(d.frame_wise, false) AS frame_wise,
      COALESCE(d.open_elsewhere, false) OR COALESCE(w.open, false) AS waits_elsewhere,
      d.step_key IS NOT NULL OR w.job_id IS NOT NULL AS has_dependencies,
      ${sql.join(FRAME_STATES.map((state) => sql.ref(`s.${state}`)))}
    FROM steps s LEFT JOIN LATERAL (
      SELECT d.step_key, bool_or(d.kind = 'frame') AS frame_wise,
        array_agg(u.key::text) FILTER (WHERE d.kind = 'all' AND u.job_id = s.job_id) AS whole,
        array_agg(u.key::text) FILTER (WHERE d.kind = 'frame' AND u.job_id = s.job_id) AS by_frame,
        bool_or(d.kind = 'all' AND u.job_id <> s.job_id AND u.state <> 'completed') AS open_elsewhere
      FROM step_dependencies d JOIN steps u ON u.key = d.depends_on WHERE d.step_key = s.key GROUP BY d.step_key
    ) d ON true LEFT JOIN LATERAL (
      SELECT d.job_id, bool_or(j.state <> 'completed') AS open
      FROM job_dependencies d JOIN jobs j ON j.id = d.depends_on WHERE d.job_id = s.job_id GROUP BY d.job_id
    ) w ON true
    WHERE s.job_id = ANY(${[...jobIds]}) ORDER BY s.key`.execute(trx);
  const byJob = new Map<string, StepRow[]>();
  for (const row of rows) byJob.set(row.job_id, [...(byJob.get(row.job_id) ?? []), row]);
  return byJob;
}

function toSettling(row: StepRow): SettlingStep {
  const counts = noFrames();
  for (const state of FRAME_STATES) counts[state] = row[state];
  return {
    key: row.key,
    name: row.name,
    state: row.state,
    counts,
    expanded: row.expanded && !isChosenSweep(row.sweep),
    judging: row.judging,
    entryState: row.entry_state,
    sweep: row.sweep,
    dependsOn: row.depends_on,
    byFrame: row.by_frame,
    frameWise: row.frame_wise,
    waitsElsewhere: row.waits_elsewhere,
    hasDependencies: row.has_dependencies,
  };
}

async function writeStepStates(trx: LedgerTransaction, steps: Settlement['steps']): Promise<void> {
  if (steps.length === 0) return;
  await sql`/* prepared */ UPDATE steps s SET state = n.state
    FROM unnest(${steps.map((step) => step.key)}::bigint[], ${steps.map((step) => step.state)}::job_state[]) AS n(key, state)
    WHERE s.key = n.key`.execute(trx);
}

async function releaseSteps(trx: LedgerTransaction, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await sql`
    WITH moved AS (
      UPDATE frames SET state = 'ready' WHERE step_key = ANY(${[...keys]}::bigint[]) AND state = 'waiting' RETURNING step_key
    ), counted AS (SELECT step_key, count(*)::int AS frames FROM moved GROUP BY step_key)
    UPDATE steps s SET entry_state = 'ready',
      waiting = s.waiting - COALESCE(c.frames, 0), ready = s.ready + COALESCE(c.frames, 0)
    FROM unnest(${[...keys]}::bigint[]) AS k(key) LEFT JOIN counted c ON c.step_key = k.key
    WHERE s.key = k.key`.execute(trx);
}

async function skipSteps(trx: LedgerTransaction, steps: Settlement['skip']): Promise<void> {
  if (steps.length === 0) return;
  await sql`
    WITH broken AS (
      SELECT * FROM unnest(${steps.map((step) => step.key)}::bigint[], ${steps.map((step) => step.reason)}::text[]) AS b(key, reason)
    ), moved AS (
      UPDATE frames f SET state = 'skipped', error = b.reason
      FROM broken b WHERE f.step_key = b.key AND f.state = 'waiting' RETURNING f.step_key
    ), counted AS (SELECT step_key, count(*)::int AS frames FROM moved GROUP BY step_key)
    UPDATE steps s SET entry_state = 'skipped', entry_error = b.reason,
      waiting = s.waiting - COALESCE(c.frames, 0), skipped = s.skipped + COALESCE(c.frames, 0)
    FROM broken b LEFT JOIN counted c ON c.step_key = b.key
    WHERE s.key = b.key`.execute(trx);
}

async function writeJobStates(
  trx: LedgerTransaction,
  settlements: readonly { job: JobRow; settlement: Settlement }[],
): Promise<void> {
  const changed = settlements.filter(({ job, settlement }) => settlement.job !== job.state);
  if (changed.length === 0) return;
  await sql`/* prepared */
    UPDATE jobs j SET state = n.state,
      finished_at = CASE WHEN n.ended THEN now() END,
      -- Whose frames are all done or left out, none of them failed, held or still to be judged.
      delivered_at = CASE WHEN n.state = 'completed' THEN now() END,
      error = CASE WHEN n.state = 'completed' THEN NULL ELSE j.error END
    FROM unnest(
      ${changed.map(({ job }) => job.id)}::text[], ${changed.map(({ settlement }) => settlement.job)}::job_state[],
      ${changed.map(({ settlement }) => isEndedJob(settlement.job))}::bool[]
    ) AS n(id, state, ended)
    WHERE j.id = n.id`.execute(trx);
}
