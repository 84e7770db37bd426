import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import pg from 'pg';
import { startLocalFarm, type LocalFarm } from '../../local/local-farm.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isEndedJob } from '../../shared/domain/states.ts';
import type { JobState } from '../../shared/domain/states.ts';
import { inboxPrefix, type Role } from '../../shared/messaging/permissions.ts';
import type { S3Settings } from '../../shared/storage/s3-client.ts';
import { FarmClient } from '../support/farm-client.ts';
import { pause } from '../support/pool.ts';
import type { BenchContext } from './report.ts';

const POLL_MS = 20;

/** A farm that a bench has for itself, and the ways into it that a bench needs. */
export class BenchFarm {
  readonly client: FarmClient;
  /** As the operator: may hear everything. */
  readonly nats: NatsConnection;
  readonly #farm: LocalFarm;
  readonly #pool: pg.Pool;
  readonly #signal: AbortSignal;

  constructor(farm: LocalFarm, nats: NatsConnection, signal: AbortSignal) {
    this.#farm = farm;
    this.nats = nats;
    this.client = new FarmClient({ url: farm.url, token: farm.token, signal });
    this.#pool = new pg.Pool({ connectionString: farm.connections.databaseUrl, max: 2 });
    this.#pool.on('error', () => undefined); // a broken idle connection; the next query says so
    this.#signal = signal;
  }

  get url(): string {
    return this.#farm.url;
  }

  get token(): string {
    return this.#farm.token;
  }

  /** A further connection with the rights of a part of the farm. */
  connectAs(role: Role): Promise<NatsConnection> {
    const { url, users } = this.#farm.connections.nats;
    const { user, password: pass } = users[role];
    return connect({ servers: url, user, pass, name: `bench-${role}`, inboxPrefix: inboxPrefix(role) });
  }

  /** The farm's storage, with the farm's own key. */
  get s3(): S3Settings {
    const { endpoint, bucket, region, farm } = this.#farm.connections.s3;
    return { endpoint, bucket, region, ...farm };
  }

  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query<Row>(text, values)).rows;
  }

  /** The one row of a query that gives one. */
  async one<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row> {
    const [row] = await this.query<Row>(text, values);
    if (row === undefined) throw new FarmError('internal', `A bench's query found nothing: ${text}`);
    return row;
  }

  /** A metric of one of the farm's processes, without labels: `process_resident_memory_bytes`. */
  async metric(daemon: string, name: string): Promise<number> {
    const health = this.#farm.home.running()?.processes.find((process) => process.name === daemon)?.health;
    if (health === undefined) throw new FarmError('internal', `The ${daemon} serves no metrics.`);
    const response = await fetch(`${health}/metrics`, { signal: this.#signal });
    const value = new RegExp(`^${name} (.+)$`, 'm').exec(await response.text())?.[1];
    if (value === undefined) throw new FarmError('internal', `The ${daemon} has no metric ${name}.`);
    return Number(value);
  }

  /** Messages in all of the farm's streams. */
  async streamMessages(): Promise<number> {
    const manager = await jetstreamManager(this.nats);
    let messages = 0;
    for await (const stream of manager.streams.list()) messages += stream.state.messages;
    return messages;
  }

  /**
   * Waits until a job has completed, asking the ledger: what it says of a large job would keep the bench itself busy.
   * @returns seconds from the job's row to its end, by the database's clock.
   */
  async completion(jobId: string, timeoutMs: number): Promise<number> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const job = await this.one<{ state: JobState; seconds: number; error: string | null }>(
        `SELECT state, extract(epoch FROM finished_at - submitted_at)::float8 AS seconds, error FROM jobs WHERE id = $1`,
        [jobId],
      );
      if (job.state === 'completed') return job.seconds;
      if (isEndedJob(job.state) || job.state === 'held')
        throw new FarmError('internal', `The job ${jobId} is ${job.state}: ${job.error ?? 'no reason'}`);
      if (performance.now() > end)
        throw new FarmError('internal', `The job ${jobId} has not ended after ${timeoutMs / 1_000} s.`);
      await pause(POLL_MS, this.#signal);
    }
  }

  /**
   * A figure counts only if the work behind it was done, and once.
   * @throws FarmError `internal` unless each frame of the job was accepted once, at its first attempt.
   */
  async assertEachFrameOnce(jobId: string, frames: number): Promise<void> {
    const found = await this.one<{
      rows: number;
      done: number;
      again: number;
      brought: number;
      counted: number;
    }>(
      `SELECT count(*)::int AS rows, count(*) FILTER (WHERE f.state = 'done')::int AS done,
        count(*) FILTER (WHERE f.generation <> 1 OR f.failures + f.losses > 0)::int AS again,
        (SELECT COALESCE(sum(frames_done), 0)::int FROM attempts WHERE job_id = $1) AS brought,
        (SELECT sum(done)::int FROM steps WHERE job_id = $1) AS counted
      FROM steps s JOIN frames f ON f.step_key = s.key WHERE s.job_id = $1`,
      [jobId],
    );
    const { rows, done, again, brought, counted } = found;
    if ([rows, done, brought, counted].some((count) => count !== frames) || again > 0)
      throw new FarmError(
        'internal',
        `The job ${jobId} has ${frames} frames: ${rows} rows, ${done} done, ${counted} counted as done, ${brought} brought by attempts, ${again} tried again. Each should be there exactly once.`,
      );
  }

  /** Versions of the servers that the figures depend on. */
  async versions(): Promise<{ postgres: string; nats: string }> {
    const { server_version: postgres } = await this.one<{ server_version: string }>('SHOW server_version');
    return { postgres, nats: this.nats.info?.version ?? 'unknown' };
  }

  async close(): Promise<void> {
    await this.nats.close();
    await this.#pool.end();
  }
}

/** Starts a farm with servers, ports and a folder of its own, and leaves nothing of it behind. */
export async function withBenchFarm<T>(
  options: BenchContext & { slots: number; workers?: number },
  use: (farm: BenchFarm) => Promise<T>,
): Promise<T> {
  const { slots, workers = 1, say, signal } = options;
  const home = await mkdtemp(join(tmpdir(), 'farmhand-bench-'));
  let local: LocalFarm | undefined;
  let farm: BenchFarm | undefined;
  try {
    local = await startLocalFarm({ home, workers, slots, progress: say, signal });
    const { url, users } = local.connections.nats;
    const { user, password: pass } = users.operator;
    farm = new BenchFarm(local, await connect({ servers: url, user, pass, name: 'bench' }), signal);
    return await use(farm);
  } finally {
    await farm?.close();
    await local?.stop();
    await rm(home, { recursive: true, force: true });
  }
}
