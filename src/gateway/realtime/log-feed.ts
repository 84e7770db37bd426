import type { NatsConnection, Subscription } from 'nats';
import { logSubject } from '../../shared/contracts/subjects.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { AttemptQueries } from '../ledger/attempt-queries.ts';
import type { LogBuffer } from '../messaging/log-buffer.ts';
import type { Audience } from './job-feed.ts';
import { patches } from './patch-body.ts';
import { ROOMS } from './rooms.ts';

/** Logs of running attempts, piece by piece, while somebody watches. */
export class LogFeed {
  readonly #nats: NatsConnection;
  readonly #attempts: AttemptQueries;
  readonly #buffer: LogBuffer;
  readonly #audience: Audience;
  readonly #log: Logger;
  readonly #followed = new Map<string, Subscription>();

  constructor(
    nats: NatsConnection,
    attempts: AttemptQueries,
    buffer: LogBuffer,
    audience: Audience,
    log: Logger,
  ) {
    this.#nats = nats;
    this.#attempts = attempts;
    this.#buffer = buffer;
    this.#audience = audience;
    this.#log = log;
  }

  /** Resolves when every further piece will be heard. @throws FarmError `not-found` */
  async follow(attempt: string): Promise<void> {
    const { jobId, taskId, ended } = await this.#attempts.log(attempt);
    const room = ROOMS.log(attempt);
    if (ended || this.#followed.has(room) || !this.#audience.isWatched(room)) return;
    const subscription = this.#nats.subscribe(logSubject(jobId, taskId), {
      callback: (error, message) => {
        if (error) {
          this.#log.error({ attempt, error: error.message }, 'a log cannot be heard');
          return;
        }
        const piece = this.#buffer.parse(message.data, message.subject);
        if (piece?.attempt === attempt) this.#audience.publish(room, patches.log(piece.offset, piece.text));
      },
    });
    this.#followed.set(room, subscription);
    await this.#nats.flush();
  }

  /** Ends what nobody watches any more. */
  prune(): void {
    for (const room of this.#followed.keys()) if (!this.#audience.isWatched(room)) this.#forget(room);
  }

  stop(): void {
    for (const room of [...this.#followed.keys()]) this.#forget(room);
  }

  #forget(room: string): void {
    this.#followed.get(room)?.unsubscribe();
    this.#followed.delete(room);
  }
}
