import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { connect } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { jobStatusSchema, logPieceSchema } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isEndedJob } from '../../shared/domain/states.ts';
import { startLocalFarm, type LocalFarm } from '../../local/local-farm.ts';
import { FarmClient } from '../support/farm-client.ts';
import { benchEnvironment, type BenchEnvironment } from './environment.ts';
import { percentile, roundMs } from './percentiles.ts';

export interface LatencyReport {
  bench: 'latency';
  environment: BenchEnvironment & { jobs: number; warmUpJobs: number; workers: number; slots: number };
  /** Milliseconds from the publish on `jobs` to the engine's call. */
  figures: { p50Ms: number; p99Ms: number; minMs: number; meanMs: number; maxMs: number };
}

interface LatencyOptions {
  jobs: number;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** So that code is compiled and connections are open, as on any farm that has run for a minute. */
const WARM_UP_JOBS = 20;
const SLOTS = 16;
const JOB_TIMEOUT_MS = 30_000;

/**
 * Runs jobs of one null frame one after another on an idle farm of its own, and takes for each the time from the publish
 * on `jobs` to the moment at which the worker's null engine is called. Both read the machine's monotonic clock.
 * @throws FarmError `internal` when a job does not end well: then the figures would mean nothing.
 */
export async function measureLatency({ jobs, say, signal }: LatencyOptions): Promise<LatencyReport> {
  const home = await mkdtemp(join(tmpdir(), 'farmhand-bench-'));
  let farm: LocalFarm | undefined;
  let connection: NatsConnection | undefined;
  try {
    farm = await startLocalFarm({ home, workers: 1, slots: SLOTS, progress: say, signal });
    const { url, users } = farm.connections.nats;
    const { user, password: pass } = users.operator;
    connection = await connect({ servers: url, user, pass, name: 'bench latency' });
    const watch = new JobWatch(connection);
    const ids: string[] = [];
    const latencies: number[] = [];
    say(`measuring ${jobs} jobs …`);
    for (let i = 0; i < WARM_UP_JOBS + jobs; i++) {
      signal.throwIfAborted();
      const id = `latency-${i}`;
      const ms = await runOne(connection, watch, id);
      ids.push(id);
      if (i >= WARM_UP_JOBS) latencies.push(ms);
    }
    await assertAcceptedOnce(new FarmClient({ url: farm.url, token: farm.token, signal }), ids);
    return report(latencies);
  } finally {
    await connection?.close();
    await farm?.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function runOne(connection: NatsConnection, watch: JobWatch, id: string): Promise<number> {
  const body = encodeMessage({
    version: 1,
    id,
    name: id,
    engine: 'null',
    frames: '1',
    settings: { logStart: true },
  });
  const ended = watch.wait(id);
  const publishedNs = process.hrtime.bigint();
  connection.publish(SUBJECTS.jobs, body);
  const toldNs = await ended;
  return Number(toldNs - publishedNs) / 1_000_000;
}

interface Waiting {
  toldNs: bigint | undefined;
  completed: boolean;
  resolve: (toldNs: bigint) => void;
  reject: (error: Error) => void;
}

/** Hears of each job when its engine was told, and when it has ended. */
class JobWatch {
  readonly #waiting = new Map<string, Waiting>();

  constructor(connection: NatsConnection) {
    connection.subscribe(SUBJECTS.logsAll, {
      callback: (error, message) => {
        if (error) throw error;
        this.#onLog(message.subject.split('.')[1] ?? '', message.data);
      },
    });
    connection.subscribe(SUBJECTS.statusJobAll, {
      callback: (error, message) => {
        if (error) throw error;
        this.#onStatus(message.data);
      },
    });
  }

  /** @returns the engine's time stamp, once the job has completed, too. */
  async wait(jobId: string): Promise<bigint> {
    const { promise, resolve, reject } = Promise.withResolvers<bigint>();
    const late = setTimeout(
      () =>
        reject(
          new FarmError('internal', `The job ${jobId} has not ended after ${JOB_TIMEOUT_MS / 1_000} s.`),
        ),
      JOB_TIMEOUT_MS,
    );
    this.#waiting.set(jobId, { toldNs: undefined, completed: false, resolve, reject });
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(jobId);
    }
  }

  #onLog(jobId: string, data: Uint8Array): void {
    const waiting = this.#waiting.get(jobId);
    const told = /^told (\d+)$/m.exec(decodeMessage(logPieceSchema, data, 'A piece of log').text)?.[1];
    if (waiting === undefined || told === undefined) return;
    waiting.toldNs ??= BigInt(told);
    settle(waiting);
  }

  #onStatus(data: Uint8Array): void {
    const status = decodeMessage(jobStatusSchema, data, 'A job status');
    const waiting = this.#waiting.get(status.type === 'job' ? status.job.id : '');
    if (status.type !== 'job' || waiting === undefined || !isEndedJob(status.job.state)) return;
    if (status.job.state !== 'completed')
      waiting.reject(
        new FarmError('internal', `The job ${status.job.id} ${status.job.state}: ${status.job.error ?? ''}`),
      );
    waiting.completed = true;
    settle(waiting);
  }
}

function settle({ toldNs, completed, resolve }: Waiting): void {
  if (toldNs !== undefined && completed) resolve(toldNs);
}

/** A latency counts only if the work behind it was done, and once. */
async function assertAcceptedOnce(client: FarmClient, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { frames } = await client.frames(id);
    const [frame] = frames;
    if (frames.length !== 1 || frame?.state !== 'done' || frame.generation !== 1 || frame.attempt !== 1)
      throw new FarmError(
        'internal',
        `The frame of job ${id} was not accepted exactly once at its first attempt.`,
      );
  }
}

function report(latencies: readonly number[]): LatencyReport {
  const mean = latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length;
  return {
    bench: 'latency',
    environment: {
      ...benchEnvironment(),
      jobs: latencies.length,
      warmUpJobs: WARM_UP_JOBS,
      workers: 1,
      slots: SLOTS,
    },
    figures: {
      p50Ms: roundMs(percentile(latencies, 50)),
      p99Ms: roundMs(percentile(latencies, 99)),
      minMs: roundMs(Math.min(...latencies)),
      meanMs: roundMs(mean),
      maxMs: roundMs(Math.max(...latencies)),
    },
  };
}
