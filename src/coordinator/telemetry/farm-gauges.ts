import { Gauge, type Registry } from 'prom-client';
import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { FRAME_STATES } from '../../shared/domain/states.ts';

/** Several scrapers ask at once; the ledger is asked once. */
const KEPT_MS = 2_000;

interface FarmCounts {
  frames: Record<string, number>;
  tasks: Record<string, number>;
  jobs: Record<string, number>;
  workers: Record<string, number>;
  oldestSeconds: number;
}

/**
 * What the ledger says of the whole farm, asked when the metrics are. Only what is open is read, by partial indexes.
 * Every coordinator tells the same.
 */
export function watchFarm(registry: Registry, ledger: Ledger, isLeader: () => boolean): void {
  const read = kept(() => readCounts(ledger));
  gauge(registry, 'farm_frames', 'Frames of jobs that have not ended.', async () => (await read()).frames);
  gauge(registry, 'farm_tasks', 'Tasks that wait in a lane or run.', async () => (await read()).tasks);
  gauge(registry, 'farm_jobs', 'Jobs that have not ended.', async () => (await read()).jobs);
  gauge(registry, 'farm_workers', 'Workers that the farm knows.', async () => (await read()).workers);
  new Gauge({
    name: 'farm_queue_oldest_seconds',
    help: 'How long the oldest task has been waiting in its lane.',
    registers: [registry],
    async collect() {
      this.set((await read()).oldestSeconds);
    },
  });
  new Gauge({
    name: 'farm_leader',
    help: '1 on the coordinator that feeds the farm.',
    registers: [registry],
    collect() {
      this.set(isLeader() ? 1 : 0);
    },
  });
}

function gauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => Promise<Record<string, number>>,
): void {
  new Gauge({
    name,
    help,
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [state, count] of Object.entries(await read())) this.set({ state }, count);
    },
  });
}

async function readCounts(ledger: Ledger): Promise<FarmCounts> {
  const [frames, tasks, jobs, workers] = await Promise.all([
    sql<Record<string, number>>`
      SELECT ${sql.join(FRAME_STATES.map((state) => sql`COALESCE(sum(s.${sql.ref(state)}), 0)::float8 AS ${sql.ref(state)}`))}
      FROM jobs j JOIN steps s ON s.job_id = j.id WHERE j.state IN ('queued', 'running', 'paused', 'held')`.execute(
      ledger,
    ),
    sql<{ queued: number; running: number; oldest: number }>`
      SELECT count(*) FILTER (WHERE state = 'queued')::int AS queued, count(*) FILTER (WHERE state = 'running')::int AS running,
        COALESCE(EXTRACT(epoch FROM now() - min(published_at) FILTER (WHERE state = 'queued')), 0)::float8 AS oldest
      FROM tasks WHERE state IN ('queued', 'running')`.execute(ledger),
    sql<{ state: string; count: number }>`SELECT state, count(*)::int AS count FROM jobs
      WHERE state IN ('queued', 'running', 'paused', 'held') GROUP BY state`.execute(ledger),
    sql<{
      state: string;
      count: number;
    }>`SELECT state, count(*)::int AS count FROM workers GROUP BY state`.execute(ledger),
  ]);
  const open = tasks.rows[0];
  const byState = (rows: { state: string; count: number }[]): Record<string, number> =>
    Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  return {
    frames: frames.rows[0] ?? {},
    tasks: { queued: open?.queued ?? 0, running: open?.running ?? 0 },
    jobs: byState(jobs.rows),
    workers: byState(workers.rows),
    oldestSeconds: open?.oldest ?? 0,
  };
}

function kept<T>(read: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  let until = 0;
  return () => {
    if (value && performance.now() < until) return value;
    until = performance.now() + KEPT_MS;
    const reading = read();
    value = reading;
    reading.catch(() => {
      if (value === reading) value = undefined; // asked again next time; who asked now hears why not
    });
    return reading;
  };
}
