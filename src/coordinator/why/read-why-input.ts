import { sql } from 'kysely';
import type { JobDocument } from '../../shared/contracts/job-document.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { StepSpec } from '../../shared/database/schema.ts';
import {
  noFrames,
  sweptCounts,
  type FrameCounts,
  type FrameState,
  type JobState,
  type Sweep,
} from '../../shared/domain/states.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { Needs } from '../planning/snapshot.ts';
import type { UpstreamView, WaitingWork, WhyInput, WhyLimit, WhyStep, WhyTask } from './why-input.ts';

/** What the ledger knows of a job and of what stands in its way; workers are added by who hears them. */
export type LedgerPart = Omit<WhyInput, 'workers'>;

/** All of one moment. @returns undefined when there is no such job. */
export async function readWhyInput(ledger: Ledger, jobId: string): Promise<LedgerPart | undefined> {
  return ledger
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const job = await readJob(trx, jobId);
      if (!job) return undefined;
      const steps = await readSteps(trx, job);
      return {
        nowMs: job.now.getTime(),
        job: {
          id: jobId,
          state: job.state,
          error: job.error,
          project: job.project,
          owner: job.owner,
          priority: job.priority,
          notBeforeMs: job.not_before?.getTime() ?? null,
          limitRunning: job.limit_running,
          preempt: job.preempt,
          dependsOn: job.depends_on,
        },
        steps,
        tasks: await readTasks(trx),
        waiting: await readWaiting(trx, jobId, [...new Set(steps.map((step) => step.needs.engine))]),
        ...job.rules,
        limits: job.rules.limits.map(limitOf),
        leader: job.leader,
      };
    });
}

interface JobRow {
  now: Date;
  state: JobState;
  error: string | null;
  project: string;
  owner: string;
  priority: number;
  not_before: Date | null;
  limit_running: number | null;
  preempt: boolean;
  document: JobDocument;
  depends_on: UpstreamView[];
  leader: boolean;
  rules: Pick<WhyInput, 'shares' | 'guarantees'> & { limits: LimitRow[] };
}

type LimitRow = Pick<WhyLimit, 'kind' | 'name' | 'running'> & { to: number | null; untilMs: number | null };

const limitOf = ({ kind, name, running, to, untilMs }: LimitRow): WhyLimit => ({
  kind,
  name,
  running,
  lowered: to === null || untilMs === null ? null : { to, untilMs },
});

/** Of a step or job that something waits for. */
const PROGRESS = sql`'done', u.done, 'stuck', u.failed + u.cancelled + u.held, 'total', u.total,
  'secondsPerFrame', u.seconds_done / NULLIF(u.done, 0)`;

async function readJob(
  trx: LedgerTransaction,
  jobId: string,
): Promise<(JobRow & { id: string }) | undefined> {
  const { rows } = await sql<JobRow & { id: string }>`
    SELECT j.id, now() AS now, j.state, j.error, j.project, j.owner, j.priority, j.not_before, j.limit_running, j.preempt, j.document,
      EXISTS (SELECT 1 FROM leases WHERE name = 'feeder' AND expires_at > clock_timestamp()) AS leader,
      COALESCE((
        SELECT json_agg(json_build_object('jobId', d.depends_on, 'step', NULL, 'kind', 'all', 'state', u.state, ${PROGRESS}))
        FROM job_dependencies d JOIN LATERAL (
          SELECT (SELECT state FROM jobs WHERE id = d.depends_on) AS state, sum(done)::int AS done, sum(failed)::int AS failed,
            sum(cancelled)::int AS cancelled, sum(held)::int AS held, sum(frame_total)::int AS total,
            sum(seconds_done) AS seconds_done
          FROM steps WHERE job_id = d.depends_on
        ) u ON true WHERE d.job_id = j.id
      ), '[]') AS depends_on,
      json_build_object(
        'limits', COALESCE((SELECT json_agg(json_build_object('kind', kind, 'name', name, 'running', running, 'to', lowered_to,
          'untilMs', (EXTRACT(epoch FROM lowered_until) * 1000)::float8)) FROM limits), '[]'),
        'shares', COALESCE((SELECT json_agg(json_build_object('kind', kind, 'name', name, 'weight', weight)) FROM shares), '[]'),
        'guarantees', COALESCE((SELECT json_agg(json_build_object('project', project, 'pool', pool, 'slots', slots)) FROM guarantees), '[]')
      ) AS rules
    FROM jobs j WHERE j.id = ${jobId}`.execute(trx);
  return rows[0];
}

/** Ready frames that are not for every worker at once. */
interface Pile {
  memory: number | null;
  avoid: string | null;
  frames: number;
  later: number;
  untilMs: number | null;
}

interface StepRow extends FrameCounts {
  key: string;
  name: string;
  engine: string;
  engine_version: string | null;
  spec: StepSpec;
  chunk: string;
  frame_total: number;
  frames_expanded: number;
  entry_state: FrameState;
  sweep: Sweep | null;
  seconds_done: number;
  hold_reason: string | null;
  decisions: number;
  retry_at: Date | null;
  piles: Pile[] | null;
  depends_on: UpstreamView[];
}

async function readSteps(
  trx: LedgerTransaction,
  job: { id: string; document: JobDocument },
): Promise<WhyStep[]> {
  const { rows } = await sql<StepRow>`
    SELECT s.*, special.piles, CASE WHEN s.held > 0 THEN (
        SELECT count(*)::int FROM frames WHERE step_key = s.key AND state = 'held' AND verdict IS NOT NULL
      ) ELSE 0 END AS decisions, COALESCE((
        SELECT json_agg(json_build_object('jobId', u.job_id, 'step', u.name, 'kind', d.kind, 'state', u.state, ${PROGRESS}))
        FROM step_dependencies d JOIN LATERAL (
          SELECT job_id, name, state, done, failed, cancelled, held, frame_total AS total, seconds_done
          FROM steps WHERE key = d.depends_on
        ) u ON true WHERE d.step_key = s.key
      ), '[]') AS depends_on
    FROM steps s
    LEFT JOIN LATERAL (
      SELECT json_agg(pile) AS piles FROM (
        SELECT f.memory_bytes AS memory, f.avoid_worker AS avoid, count(*)::int AS frames, count(*) FILTER (WHERE f.retry_at > now())::int AS later,
          (EXTRACT(epoch FROM min(f.retry_at) FILTER (WHERE f.retry_at > now())) * 1000)::float8 AS "untilMs"
        FROM frames f
        WHERE f.step_key = s.key AND f.state = 'ready'
          AND (f.retry_at IS NOT NULL OR f.memory_bytes IS NOT NULL OR f.avoid_worker IS NOT NULL)
        GROUP BY f.memory_bytes, f.avoid_worker
      ) pile
    ) special ON s.ready > 0
    WHERE s.job_id = ${job.id} ORDER BY s.position`.execute(trx);
  return rows.map((row) => toStep(row, job.document));
}

function toStep(row: StepRow, document: JobDocument): WhyStep {
  const states = Object.keys(noFrames()) as FrameState[];
  const counts = Object.fromEntries(states.map((state) => [state, row[state]])) as FrameCounts;
  const piles = row.piles ?? [];
  const later = piles.filter((pile) => pile.later > 0);
  const index = document.steps?.findIndex((step) => step.name === row.name) ?? -1;
  return {
    key: row.key,
    name: row.name,
    needs: needsOf(row),
    path: index < 0 ? '' : `steps[${index}].`,
    licences: row.spec.licences,
    chunk: row.chunk,
    total: row.frame_total,
    unwritten:
      row.sweep === 'cancel' || row.entry_state === 'cancelled' ? 0 : row.frame_total - row.frames_expanded,
    counts: sweptCounts(counts, row.sweep, row.entry_state),
    secondsPerFrame: row.done > 0 ? row.seconds_done / row.done : null,
    holdReason: row.hold_reason,
    decisions: row.decisions,
    retryAtMs: row.retry_at?.getTime() ?? null,
    backOff:
      later.length === 0
        ? null
        : {
            frames: later.reduce((sum, pile) => sum + pile.later, 0),
            untilMs: Math.min(...later.flatMap((pile) => pile.untilMs ?? [])),
          },
    bigger: piles.flatMap(({ memory, frames }) => (memory === null ? [] : [{ frames, memoryBytes: memory }])),
    elsewhere: piles.flatMap(({ avoid, frames, later: resting }) =>
      avoid === null || frames === resting ? [] : [{ frames: frames - resting, worker: avoid }],
    ),
    dependsOn: row.depends_on,
  };
}

const needsOf = ({ engine, engine_version: engineVersion, spec: { requires } }: StepRow): Needs => ({
  engine,
  engineVersion,
  versionRange: requires.engineVersion,
  cores: requires.cores,
  memoryBytes: requires.memoryBytes,
  gpus: requires.gpus,
  tags: requires.tags,
  site: requires.site,
  preferSite: requires.preferSite,
  roots: requires.roots ?? [],
});

async function readTasks(trx: LedgerTransaction): Promise<WhyTask[]> {
  const { rows } = await sql<WhyTask>`
    SELECT t.job_id AS "jobId", t.step_key AS "stepKey", j.project, j.owner, t.engine, s.spec->'licences' AS licences, j.priority,
      t.slots, t.state, CASE t.state WHEN 'running' THEN t.worker ELSE t.reserved_worker END AS worker, l.group_id AS group,
      cardinality(t.frames) AS frames, s.seconds_done / NULLIF(s.done, 0) AS "secondsPerFrame",
      CASE t.state WHEN 'running' THEN EXTRACT(epoch FROM now() - t.started_at)::float8 END AS "runningSeconds"
    FROM tasks t JOIN jobs j ON j.id = t.job_id JOIN steps s ON s.key = t.step_key LEFT JOIN lanes l ON l.id = t.lane
    WHERE t.state IN ('queued', 'running')`.execute(trx);
  return rows;
}

/** Frames of other jobs that could begin now, by engine and priority. */
async function readWaiting(
  trx: LedgerTransaction,
  jobId: string,
  engines: readonly string[],
): Promise<WaitingWork[]> {
  const { rows } = await sql<WaitingWork>`
    SELECT s.engine, j.priority, count(DISTINCT j.id)::int AS jobs, sum(s.ready)::int AS frames,
      CASE WHEN bool_and(s.done > 0) THEN sum(s.ready * s.seconds_done / NULLIF(s.done, 0)) END AS seconds
    FROM jobs j JOIN steps s ON s.job_id = j.id
    WHERE j.state IN ('queued', 'running') AND NOT j.paused AND j.id <> ${jobId} AND s.ready > 0 AND s.engine = ANY(${[...engines]})
      AND (j.not_before IS NULL OR j.not_before <= now())
    GROUP BY s.engine, j.priority`.execute(trx);
  return rows;
}
