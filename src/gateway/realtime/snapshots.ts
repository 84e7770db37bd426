import type { RoomSnapshot } from '../../shared/contracts/realtime.ts';
import type { FrameQueries } from '../ledger/frame-queries.ts';
import type { JobQueries } from '../ledger/job-queries.ts';
import type { FarmPulse } from '../overview/farm-pulse.ts';
import type { LogReader } from '../storage/log-reader.ts';
import type { WorkerBoard } from '../workers/worker-board.ts';
import type { Room } from './rooms.ts';

const MAX_JOBS = 200;

export type SnapshotContent = Omit<RoomSnapshot, 'room' | 'epoch' | 'seq'>;

/** What a room shows at this moment, read from where the truth is. */
export class Snapshots {
  readonly #pulse: FarmPulse;
  readonly #jobs: JobQueries;
  readonly #frames: FrameQueries;
  readonly #workers: WorkerBoard;
  readonly #logs: LogReader;

  constructor(
    pulse: FarmPulse,
    jobs: JobQueries,
    frames: FrameQueries,
    workers: WorkerBoard,
    logs: LogReader,
  ) {
    this.#pulse = pulse;
    this.#jobs = jobs;
    this.#frames = frames;
    this.#workers = workers;
    this.#logs = logs;
  }

  /** @throws FarmError `not-found` for a job or attempt that is not there. */
  async take(room: Room): Promise<SnapshotContent> {
    switch (room.kind) {
      case 'farm':
        return { farm: await this.#pulse.sums() };
      case 'jobs':
        return { jobs: (await this.#jobs.list({ states: [], limit: MAX_JOBS })).jobs };
      case 'workers':
        return { workers: await this.#workers.list() };
      case 'job': {
        const [job, grids] = await Promise.all([this.#jobs.get(room.jobId), this.#frames.grids(room.jobId)]);
        return { job, grids };
      }
      case 'log': {
        const { text, nextOffset } = await this.#logs.tail(room.attempt);
        return { log: { text, nextOffset } };
      }
    }
  }
}
