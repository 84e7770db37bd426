import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { COMPARED_SETTINGS, compareLatency, type ComparedFigures } from './compare-latency.ts';
import { benchEnvironment } from './environment.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

interface Options extends BenchContext {
  /** Measured on each farm. */
  jobs: number;
  endedJobs: number;
  framesPerJob: number;
}

/** Frames of one ended task. */
const CHUNK = 25;

/** Dispatch latency on a ledger full of ended jobs against that on an empty one: it must not grow. */
export async function measureAged(options: Options): Promise<BenchReport<'aged', ComparedFigures>> {
  const { say, signal, jobs, endedJobs, framesPerJob } = options;
  const environment = benchEnvironment();
  return withBenchFarm({ slots: COMPARED_SETTINGS.slots, say, signal }, (idle) =>
    withBenchFarm({ slots: COMPARED_SETTINGS.slots, say, signal }, async (loaded) => {
      say(`filling a ledger with ${endedJobs} ended jobs and ${endedJobs * framesPerJob} done frames …`);
      await fill(loaded, endedJobs, framesPerJob);
      const figures = await compareLatency({ loaded, idle }, { jobs, say, signal });
      const settings = {
        ...(await loaded.versions()),
        jobs,
        endedJobs,
        doneFrames: endedJobs * framesPerJob,
      };
      return benchReport('aged', environment, { ...settings, ...COMPARED_SETTINGS }, figures);
    }),
  );
}

/** A year of work, as the farm itself leaves it behind: jobs, steps, frames, tasks, attempts and their history. */
async function fill(farm: BenchFarm, jobs: number, frames: number): Promise<void> {
  // What a step looks like is taken from one that the farm itself has made.
  await farm.client.submit({ version: 1, id: 'model', name: 'model', engine: 'null', frames: '1' });
  await farm.completion('model', 60_000);
  await farm.query(
    `INSERT INTO jobs (id, name, owner, project, priority, state, document, document_sha256, submitted_at, started_at, finished_at)
    SELECT 'aged-' || i, 'aged ' || i, 'owner-' || i % 40, 'project-' || i % 12, 50, 'completed',
      jsonb_build_object('version', 1, 'name', 'aged ' || i, 'engine', 'null', 'frames', '1-' || $2::int),
      md5(i::text) || md5(i::text), at, at, at + interval '10 min'
    FROM generate_series(1, $1::int) AS i CROSS JOIN LATERAL (SELECT now() - (i || ' min')::interval AS at) t`,
    [jobs, frames],
  );
  await farm.query(
    `INSERT INTO steps (job_id, name, position, engine, engine_version, spec, state, frame_total, frames_expanded, done, seconds_done)
    SELECT 'aged-' || i, 'render', 0, 'null', '1', (SELECT spec FROM steps WHERE job_id = 'model'), 'completed', $2, $2, $2, 1
    FROM generate_series(1, $1::int) AS i`,
    [jobs, frames],
  );
  await farm.query(
    `INSERT INTO tasks (step_key, job_id, engine, lane, state, outcome, feed, frames, generations, worker, instance, attempt,
      created_at, published_at, started_at, ended_at)
    SELECT s.key, s.job_id, 'null', 'aged', 'ended', 'completed', 1, n.frames, array_fill(1, ARRAY[cardinality(n.frames)]),
      'worker', 'instance', s.job_id || ':' || first, j.submitted_at, j.submitted_at, j.submitted_at, j.finished_at
    FROM steps s JOIN jobs j ON j.id = s.job_id AND j.id LIKE 'aged-%'
    CROSS JOIN generate_series(1, $1::int, $2::int) AS first
    CROSS JOIN LATERAL (
      SELECT array_agg(i) AS frames FROM generate_series(first, LEAST(first + $2::int - 1, $1::int)) AS i
    ) n`,
    [frames, CHUNK],
  );
  await farm.query(
    `INSERT INTO attempts (id, task_key, job_id, worker, instance, outcome, frames_done, started_at, ended_at)
    SELECT attempt, key, job_id, worker, instance, 'completed', cardinality(frames), started_at, ended_at
    FROM tasks WHERE lane = 'aged'`,
  );
  await farm.query(
    `INSERT INTO frames (step_key, number, position, state, task_key, seconds, bytes, sha256, attempt, worker, object_key)
    SELECT t.step_key, number, number, 'done', t.key, 1, 100000, sha256('frame'), t.attempt, t.worker,
      'results/' || t.job_id || '/render/' || t.attempt || '/' || number || '.png'
    FROM tasks t CROSS JOIN LATERAL unnest(t.frames) AS number WHERE t.lane = 'aged'`,
  );
  // On a farm that has run for a year this has long been done in the background.
  await farm.query('VACUUM (ANALYZE)');
  await farm.query('CHECKPOINT');
}
