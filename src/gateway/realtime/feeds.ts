import type { NatsConnection } from 'nats';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { AttemptQueries } from '../ledger/attempt-queries.ts';
import type { FrameQueries } from '../ledger/frame-queries.ts';
import type { LogBuffer } from '../messaging/log-buffer.ts';
import { StatusStream } from '../messaging/status-stream.ts';
import type { FarmPulse } from '../overview/farm-pulse.ts';
import type { WorkerBoard } from '../workers/worker-board.ts';
import { JobFeed } from './job-feed.ts';
import { LogFeed } from './log-feed.ts';
import { patches } from './patch-body.ts';
import { ProgressFeed } from './progress-feed.ts';
import type { RealtimeServer } from './realtime-server.ts';
import { ROOMS } from './rooms.ts';

export interface FeedParts {
  nats: NatsConnection;
  ledger: Ledger;
  frames: FrameQueries;
  attempts: AttemptQueries;
  buffer: LogBuffer;
  workers: WorkerBoard;
  pulse: FarmPulse;
  realtime: RealtimeServer;
  log: Logger;
}

/** Everything that the farm says, led into the rooms. */
export class Feeds {
  readonly logs: LogFeed;
  readonly #parts: FeedParts;
  readonly #jobs: JobFeed;
  readonly #progress: ProgressFeed;
  readonly #statuses: StatusStream;

  constructor(parts: FeedParts) {
    const { nats, ledger, frames, attempts, buffer, realtime, log } = parts;
    this.#parts = parts;
    this.#jobs = new JobFeed(ledger, frames, realtime, log);
    this.#progress = new ProgressFeed(nats, realtime, log);
    this.logs = new LogFeed(nats, attempts, buffer, realtime, log);
    this.#statuses = new StatusStream(nats, log, {
      onStart: () => realtime.begin(),
      onStop: () => realtime.interrupt(),
      onMessage: (message) => this.#jobs.take(message),
    });
  }

  start(): void {
    const { workers, pulse, realtime, nats, log } = this.#parts;
    workers.start((changed) => realtime.publish(ROOMS.workers, patches.workers(changed)));
    pulse.start({
      isWatched: () => realtime.isWatched(ROOMS.farm),
      tell: (sums) => realtime.publish(ROOMS.farm, patches.farm(sums)),
    });
    this.#progress.start();
    this.#jobs.start();
    this.#statuses.start();
    this.#watchConnection(nats).catch((error: unknown) => {
      log.error({ err: error }, 'the state of the NATS connection cannot be followed');
    });
  }

  async stop(): Promise<void> {
    this.#parts.workers.stop();
    this.#parts.pulse.stop();
    this.#progress.stop();
    this.#jobs.stop();
    this.logs.stop();
    await this.#statuses.stop();
  }

  /** Core subscriptions lose what is said while NATS is away, so that everybody begins again after it. */
  async #watchConnection(nats: NatsConnection): Promise<void> {
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') this.#parts.realtime.interrupt();
      if (type !== 'reconnect') continue;
      this.#parts.workers.restartListening();
      this.#statuses.restart();
    }
  }
}
