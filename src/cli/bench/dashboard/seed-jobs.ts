import type { BenchFarm } from '../bench-farm.ts';

export const BIG_JOB = 'big';
export const BIG_FRAMES = 10_000;
/** Of the seeded jobs so many are at work; they are the newest, so that a list shows them first. */
export const RUNNING_JOBS = 40;
/** Of each seeded job. */
export const SMALL_FRAMES = 100;
/** Far away: the farm itself leaves these jobs alone. */
const NEVER = '2100-01-01T00:00:00Z';

export const seededJob = (number: number): string => `bench-${number}`;

/** A ledger with many jobs, a few of them at work, and one job of 10,000 queued frames on top. */
export async function seedJobs(farm: BenchFarm, jobs: number): Promise<void> {
  const document = { version: 1, engine: 'null', notBefore: NEVER } as const;
  await farm.client.submit({ ...document, id: 'model', name: 'model', frames: `1-${SMALL_FRAMES}` });
  await farm.query(
    `INSERT INTO jobs (id, name, owner, project, priority, state, document, document_sha256, submitted_at, started_at, finished_at)
    SELECT 'bench-' || i, 'bench ' || i, 'owner-' || i % 40, 'project-' || i % 12, 50, state::job_state,
      jsonb_build_object('version', 1, 'name', 'bench ' || i, 'engine', 'null', 'frames', '1-' || $3::int),
      md5(i::text) || md5(i::text), at, at, CASE WHEN state <> 'running' THEN at + interval '10 min' END
    FROM generate_series(1, $1::int) AS i CROSS JOIN LATERAL (
      SELECT now() - (i || ' min')::interval AS at, CASE WHEN i <= $2::int THEN 'running'
        WHEN i % 20 = 0 THEN 'failed' WHEN i % 33 = 0 THEN 'cancelled' ELSE 'completed' END AS state) t`,
    [jobs, RUNNING_JOBS, SMALL_FRAMES],
  );
  await farm.query(
    `INSERT INTO steps (job_id, name, position, engine, engine_version, spec, state, frame_total, frames_expanded,
      queued, done, failed, cancelled, seconds_done)
    SELECT id, 'render', 0, 'null', '1', (SELECT spec FROM steps WHERE job_id = 'model'), state, $1, $1,
      CASE state WHEN 'running' THEN $1 ELSE 0 END, CASE state WHEN 'completed' THEN $1 WHEN 'failed' THEN $1 - 1 ELSE 0 END,
      CASE state WHEN 'failed' THEN 1 ELSE 0 END, CASE state WHEN 'cancelled' THEN $1 ELSE 0 END, 1
    FROM jobs WHERE id LIKE 'bench-%'`,
    [SMALL_FRAMES],
  );
  await farm.client.submit({ ...document, id: BIG_JOB, name: BIG_JOB, frames: `1-${BIG_FRAMES}` });
  await farm.query(
    `UPDATE frames SET state = 'queued' WHERE step_key = (SELECT key FROM steps WHERE job_id = $1)`,
    [BIG_JOB],
  );
  await farm.query(
    `UPDATE steps SET state = 'running', ready = 0, waiting = 0, queued = frame_total WHERE job_id = $1`,
    [BIG_JOB],
  );
  await farm.query(`UPDATE jobs SET state = 'running', started_at = now() WHERE id = $1`, [BIG_JOB]);
  await farm.query('VACUUM (ANALYZE)');
}
