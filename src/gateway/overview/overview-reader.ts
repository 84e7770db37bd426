import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import type { Overview, StuckFrame } from '../../shared/contracts/overview-api.ts';
import { logSubject } from '../../shared/contracts/subjects.ts';
import { taskKeyOf } from '../../shared/domain/task-ids.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { OverviewQueries } from '../ledger/overview-queries.ts';
import type { WorkerBoard } from '../workers/worker-board.ts';
import type { FarmPulse } from './farm-pulse.ts';
import { MIN_SECONDS, whyStuck } from './stuck-frames.ts';

/** Frames under way for longest that are looked at. */
const SUSPECTS = 40;
const KEPT_MS = 2_000;

/** What the overview shows beside the farm's sums. Pages that ask within two seconds share an answer. */
export class OverviewReader {
  readonly #pulse: FarmPulse;
  readonly #queries: OverviewQueries;
  readonly #workers: WorkerBoard;
  readonly #nats: NatsConnection;
  #kept: { until: number; rest: Promise<Omit<Overview, 'sums'>> } | undefined;

  constructor(pulse: FarmPulse, queries: OverviewQueries, workers: WorkerBoard, nats: NatsConnection) {
    this.#pulse = pulse;
    this.#queries = queries;
    this.#workers = workers;
    this.#nats = nats;
  }

  async read(): Promise<Overview> {
    const [sums, rest] = await Promise.all([this.#pulse.sums(), this.#rest()]);
    return { sums, ...rest };
  }

  #rest(): Promise<Omit<Overview, 'sums'>> {
    if (this.#kept && this.#kept.until > performance.now()) return this.#kept.rest;
    const rest = this.#readRest();
    const kept = { until: performance.now() + KEPT_MS, rest };
    this.#kept = kept;
    rest.catch(() => {
      if (this.#kept === kept) this.#kept = undefined;
    });
    return rest;
  }

  async #readRest(): Promise<Omit<Overview, 'sums'>> {
    const [ended, images, stuck] = await Promise.all([
      this.#queries.ended(),
      this.#queries.images(),
      this.#stuck(),
    ]);
    return { ended, images, stuck };
  }

  /** The longest first. */
  async #stuck(): Promise<StuckFrame[]> {
    const suspects = (await this.#workers.list())
      .filter(({ state }) => state !== 'lost' && state !== 'offline')
      .flatMap((worker) =>
        worker.rendering.flatMap(({ frame, frameSeconds, taskId, jobId }) => {
          const taskKey = taskKeyOf(taskId);
          if (frame === null || frameSeconds < MIN_SECONDS || taskKey === undefined) return [];
          return [{ frame, seconds: frameSeconds, taskKey, taskId, jobId, worker: worker.id }];
        }),
      )
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, SUSPECTS);
    if (suspects.length === 0) return [];
    const known = new Map((await this.#queries.known(suspects)).map((row) => [row.taskKey, row]));
    const found = await Promise.all(
      suspects.map(async ({ taskKey, taskId, jobId, frame, seconds, worker }) => {
        const row = known.get(taskKey);
        if (!row) return [];
        const { job, name, step, medianSeconds } = row;
        const facts = { seconds, medianSeconds, silentSeconds: await this.#silence(jobId, taskId, seconds) };
        const text = whyStuck(facts);
        return text === undefined ? [] : [{ job, name, step, frame, worker, ...facts, text }];
      }),
    );
    return found.flat();
  }

  /** Since the last piece of a task's log; null where none is kept, or its age cannot be told. */
  async #silence(jobId: string, taskId: string, frameSeconds: number): Promise<number | null> {
    const manager = await jetstreamManager(this.#nats, { checkAPI: false });
    const found = await manager.streams
      .getMessage(STREAMS.logs.name, { last_by_subj: logSubject(jobId, taskId) })
      .catch(() => null);
    if (!found) return null;
    return Math.min(Math.max(0, (Date.now() - found.time.getTime()) / 1_000), frameSeconds);
  }
}
