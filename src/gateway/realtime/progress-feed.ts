import type { Msg, NatsConnection, Subscription } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { progressSchema } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Audience } from './job-feed.ts';
import { patches } from './patch-body.ts';
import { ROOMS } from './rooms.ts';

/** `status.progress.*`, for eyes only: a lost one is made good by the next. */
export class ProgressFeed {
  readonly #nats: NatsConnection;
  readonly #audience: Audience;
  readonly #log: Logger;
  #subscription: Subscription | undefined;

  constructor(nats: NatsConnection, audience: Audience, log: Logger) {
    this.#nats = nats;
    this.#audience = audience;
    this.#log = log;
  }

  start(): void {
    this.#subscription = this.#nats.subscribe(SUBJECTS.statusProgressAll, {
      callback: (error, message) => {
        if (error) this.#log.error({ error: error.message }, 'progress cannot be heard');
        else this.#take(message);
      },
    });
  }

  stop(): void {
    this.#subscription?.unsubscribe();
  }

  #take(message: Msg): void {
    try {
      const progress = decodeMessage(progressSchema, message.data, 'A progress message');
      this.#audience.publish(ROOMS.job(progress.jobId), patches.progress(progress));
    } catch (error) {
      this.#log.warn({ subject: message.subject, error: messageOf(error) }, 'an unreadable progress message');
    }
  }
}
