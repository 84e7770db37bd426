import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../../shared/contracts/decode.ts';
import type { FrameChange, JobSummary } from '../../../shared/contracts/messages.ts';
import { jobStatusSubject } from '../../../shared/contracts/subjects.ts';
import { FarmError } from '../../../shared/domain/errors.ts';
import { noFrames, type FrameState } from '../../../shared/domain/states.ts';
import type { BenchFarm } from '../bench-farm.ts';
import { BIG_FRAMES, BIG_JOB, RUNNING_JOBS, SMALL_FRAMES, seededJob } from './seed-jobs.ts';

const TICK_MS = 50;

/**
 * A farm at work, as the page sees it: changes the ledger and says so on `status.job.*` as coordinators do. Every event is
 * a message of its own (a coordinator would put many frames into one): half of them are a frame of the big job, half are
 * the counts of one of the others. A round is committed first and said then.
 */
export class StatusSource {
  readonly #farm: BenchFarm;
  readonly #jetstream: JetStreamClient;
  readonly #states = new Array<FrameState>(BIG_FRAMES).fill('queued');
  readonly #done = new Array<number>(RUNNING_JOBS).fill(0);
  #summaries = new Map<string, JobSummary>();
  #next = 0;
  #running: Promise<void> = Promise.resolve();
  #ended = new AbortController();
  /** Said so far. */
  events = 0;

  constructor(farm: BenchFarm, coordinator: NatsConnection) {
    this.#farm = farm;
    this.#jetstream = jetstream(coordinator);
  }

  async start(eventsPerSecond: number): Promise<void> {
    const { jobs } = await this.#farm.client.jobs({ limit: RUNNING_JOBS + 10 });
    this.#summaries = new Map(jobs.map((job) => [job.id, job]));
    this.#ended = new AbortController();
    this.#running = this.#run(Math.round((eventsPerSecond * TICK_MS) / 2_000));
    this.#running.catch(() => undefined); // `stop` throws it
  }

  /** Resolves when what was begun has been said. @throws what ended it early */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  /** A frame that no event is about for the next seconds. */
  quietFrame(): number {
    return ((this.#next + BIG_FRAMES / 2) % BIG_FRAMES) + 1;
  }

  /** Marks a frame of the big job as failed, or as done again. @returns when the ledger had it, in milliseconds of the epoch */
  async markFrame(number: number, state: 'failed' | 'done'): Promise<number> {
    await this.#writeFrames(number, 1, state, []);
    const committed = epochMs();
    await this.#sayFrames(number, 1, state);
    return committed;
  }

  /** Gives the newest of the small jobs another name. @returns when the ledger had it */
  async rename(name: string): Promise<number> {
    const job = this.#summary(seededJob(1));
    await this.#farm.query('UPDATE jobs SET name = $2 WHERE id = $1', [job.id, name]);
    const committed = epochMs();
    job.name = name;
    await this.#say(job, []);
    return committed;
  }

  async #run(each: number): Promise<void> {
    const { signal } = this.#ended;
    const startMs = performance.now();
    for (let tick = 1; !signal.aborted; tick++) {
      await this.#tick(each);
      this.events += 2 * each;
      const waitMs = startMs + tick * TICK_MS - performance.now();
      if (waitMs > 0) await delay(waitMs);
    }
  }

  async #tick(each: number): Promise<void> {
    const first = (this.#next % BIG_FRAMES) + 1;
    const count = Math.min(each, BIG_FRAMES - first + 1);
    const state = Math.floor(this.#next / BIG_FRAMES) % 2 === 0 ? 'running' : 'done';
    const others = Array.from({ length: each }, (_, at) => (this.#next + at) % RUNNING_JOBS);
    for (const other of others) this.#done[other] = ((this.#done[other] ?? 0) + 1) % SMALL_FRAMES;
    this.#next += count;
    await this.#writeFrames(first, count, state, others);
    await Promise.all([
      this.#sayFrames(first, count, state),
      ...others.map((other) => this.#say(this.#countedSmall(other), [])),
    ]);
  }

  async #writeFrames(
    first: number,
    count: number,
    state: FrameState,
    others: readonly number[],
  ): Promise<void> {
    this.#states.fill(state, first - 1, first - 1 + count);
    const { queued, running, done, failed } = this.#countedBig().frames;
    const small = [...new Set(others)];
    await this.#farm.query(
      `WITH big AS (
        UPDATE steps SET queued = $5, running = $6, done = $7, failed = $8 WHERE job_id = $1 RETURNING key
      ), small AS (
        UPDATE steps SET done = given.done, queued = $11 - given.done
        FROM unnest($9::text[], $10::int[]) AS given (job, done) WHERE steps.job_id = given.job
      )
      UPDATE frames SET state = $4::frame_state, worker = 'bench', seconds = 0.5
      FROM big WHERE step_key = big.key AND number BETWEEN $2 AND $3`,
      [
        ...[BIG_JOB, first, first + count - 1, state, queued, running, done, failed],
        ...[
          small.map((other) => seededJob(other + 1)),
          small.map((other) => this.#done[other]),
          SMALL_FRAMES,
        ],
      ],
    );
  }

  async #sayFrames(first: number, count: number, state: FrameState): Promise<void> {
    const job = this.#countedBig();
    const changes = Array.from({ length: count }, (_, at): FrameChange => {
      return {
        step: 'main',
        number: first + at,
        state,
        generation: 1,
        worker: 'bench',
        seconds: 0.5,
        error: null,
      };
    });
    const [step] = job.steps;
    await Promise.all(
      changes.map((change) => this.#say(job, [{ ...change, step: step?.name ?? change.step }])),
    );
  }

  #countedBig(): JobSummary {
    const counts = { queued: 0, running: 0, done: 0, failed: 0 };
    for (const state of this.#states) if (state in counts) counts[state as keyof typeof counts]++;
    return this.#counted(BIG_JOB, BIG_FRAMES, counts);
  }

  #countedSmall(other: number): JobSummary {
    const done = this.#done[other] ?? 0;
    return this.#counted(seededJob(other + 1), SMALL_FRAMES, { done, queued: SMALL_FRAMES - done });
  }

  #counted(id: string, total: number, counts: Partial<Record<FrameState, number>>): JobSummary {
    const job = this.#summary(id);
    job.frames = { total, ...noFrames(), ...counts };
    for (const step of job.steps) step.frames = job.frames;
    return job;
  }

  #summary(id: string): JobSummary {
    const job = this.#summaries.get(id);
    if (!job) throw new FarmError('internal', `The farm does not list the job ${id}.`);
    return job;
  }

  async #say(job: JobSummary, frames: FrameChange[]): Promise<void> {
    await this.#jetstream.publish(jobStatusSubject(job.id), encodeMessage({ type: 'job', job, frames }));
  }
}

/** The same clock as in a browser on this machine. */
export const epochMs = (): number => performance.timeOrigin + performance.now();
