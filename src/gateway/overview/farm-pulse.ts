import type { FarmSums } from '../../shared/contracts/overview-api.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { OverviewQueries } from '../ledger/overview-queries.ts';
import type { WorkerBoard } from '../workers/worker-board.ts';
import { FrameMeter } from './frame-meter.ts';
import { sumWorkers } from './sum-workers.ts';

const TICK_MS = 1_000;
const METER_EVERY_MS = 5_000;
/** Jobs that ended are still counted for longer than a late look may take. */
const ENDED_SECONDS = 60;

/** The farm's sums: metered all the time, so that whoever comes sees the last ten minutes, and told while somebody watches. */
export class FarmPulse {
  readonly #queries: OverviewQueries;
  readonly #workers: WorkerBoard;
  readonly #log: Logger;
  readonly #meter = new FrameMeter(METER_EVERY_MS);
  #timer: NodeJS.Timeout | undefined;
  #meteredAt = -Infinity;
  #working = false;
  #reading: { at: number; sums: Promise<FarmSums> } | undefined;
  #audience: { isWatched: () => boolean; tell: (sums: FarmSums) => void } | undefined;

  constructor(queries: OverviewQueries, workers: WorkerBoard, log: Logger) {
    this.#queries = queries;
    this.#workers = workers;
    this.#log = log;
  }

  /** @param audience whether anybody watches, and where each second's sums go while somebody does. */
  start(audience: { isWatched: () => boolean; tell: (sums: FarmSums) => void }): void {
    this.#audience = audience;
    this.#timer = setInterval(() => void this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Not older than a second; those who ask at the same time share one reading. */
  sums(): Promise<FarmSums> {
    const now = performance.now();
    if (this.#reading && now - this.#reading.at < TICK_MS) return this.#reading.sums;
    const sums = this.#read();
    const reading = { at: now, sums };
    this.#reading = reading;
    sums.catch(() => {
      if (this.#reading === reading) this.#reading = undefined; // who asked hears why; the next one asks again
    });
    return sums;
  }

  async #tick(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      if (performance.now() - this.#meteredAt >= METER_EVERY_MS - TICK_MS / 2) {
        this.#meteredAt = performance.now();
        const { nowMs, jobs } = await this.#queries.counted(ENDED_SECONDS);
        this.#meter.sample(nowMs, jobs);
      }
      if (this.#audience?.isWatched() === true) this.#audience.tell(await this.sums());
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'the farm could not be summed up; trying again');
    } finally {
      this.#working = false;
    }
  }

  async #read(): Promise<FarmSums> {
    const [open, workers] = await Promise.all([this.#queries.open(), this.#workers.list()]);
    const { perSecond, history } = this.#meter;
    return {
      at: new Date().toISOString(),
      ...sumWorkers(workers),
      ...open,
      rate: { perSecond, stepSeconds: METER_EVERY_MS / 1_000, history },
    };
  }
}
