import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { jobStatusSchema, logPieceSchema } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isEndedJob } from '../../shared/domain/states.ts';
import type { BenchFarm } from './bench-farm.ts';

/** So that code is compiled and connections are open, as on any farm that has run for a minute. */
export const WARM_UP_JOBS = 20;
const JOB_TIMEOUT_MS = 30_000;

interface Waiting {
  toldNs: bigint | undefined;
  completed: boolean;
  resolve: (toldNs: bigint) => void;
  reject: (error: Error) => void;
}

/**
 * Runs jobs of one null frame on a farm, one after another, and takes for each the time from the publish on `jobs` to the
 * moment at which the worker's null engine is called. Both read the machine's monotonic clock.
 */
export class LatencyProbe {
  readonly #farm: BenchFarm;
  readonly #waiting = new Map<string, Waiting>();
  readonly #ids: string[] = [];

  constructor(farm: BenchFarm) {
    this.#farm = farm;
    farm.nats.subscribe(SUBJECTS.logsAll, {
      callback: (error, message) => {
        if (error) throw error;
        const jobId = message.subject.split('.')[1] ?? '';
        if (this.#waiting.has(jobId)) this.#onLog(jobId, message.data);
      },
    });
    farm.nats.subscribe(SUBJECTS.statusJobAll, {
      callback: (error, message) => {
        if (error) throw error;
        if (this.#waiting.has(message.subject.split('.')[2] ?? '')) this.#onStatus(message.data);
      },
    });
  }

  async warmUp(): Promise<void> {
    for (let i = 0; i < WARM_UP_JOBS; i++) await this.measure();
  }

  /**
   * @returns milliseconds from the publish to the engine's call.
   * @throws FarmError `internal` when the job does not end well: then the figure would mean nothing.
   */
  async measure(): Promise<number> {
    const id = `probe-${this.#ids.length}`;
    this.#ids.push(id);
    const settings = { logTimes: true };
    const body = encodeMessage({ version: 1, id, name: id, engine: 'null', frames: '1', settings });
    const ended = this.#wait(id);
    const publishedNs = process.hrtime.bigint();
    this.#farm.nats.publish(SUBJECTS.jobs, body);
    const toldNs = await ended;
    return Number(toldNs - publishedNs) / 1_000_000;
  }

  /** A latency counts only if the work behind it was done, and once. */
  async assertAcceptedOnce(): Promise<void> {
    for (const id of this.#ids) await this.#farm.assertEachFrameOnce(id, 1);
  }

  /** @returns the engine's time stamp, once the job has completed, too. */
  async #wait(jobId: string): Promise<bigint> {
    const { promise, resolve, reject } = Promise.withResolvers<bigint>();
    const seconds = JOB_TIMEOUT_MS / 1_000;
    const late = setTimeout(
      () => reject(new FarmError('internal', `The job ${jobId} has not ended after ${seconds} s.`)),
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
    if (status.type !== 'job' || !isEndedJob(status.job.state)) return;
    const { id, state, error } = status.job;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    if (state !== 'completed')
      waiting.reject(new FarmError('internal', `The job ${id} ${state}: ${error ?? ''}`));
    waiting.completed = true;
    settle(waiting);
  }
}

function settle({ toldNs, completed, resolve }: Waiting): void {
  if (toldNs !== undefined && completed) resolve(toldNs);
}
