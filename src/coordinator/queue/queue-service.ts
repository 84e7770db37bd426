import type { Msg, NatsConnection, Subscription } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { nextRequestSchema, type NextReply } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Snapshot } from '../planning/snapshot.ts';
import { queueView } from './queue-view.ts';

/**
 * Answers `jobs.next`: what runs next and why. Every coordinator hears it, and the one that feeds the farm answers: nobody
 * else knows what was used lately.
 */
export class QueueService {
  readonly #view: () => Snapshot | undefined;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  #subscription: Subscription | undefined;

  /** @param view the farm as it is planned for now; undefined where this process does not feed it. */
  constructor(view: () => Snapshot | undefined, connection: NatsConnection, log: Logger) {
    this.#view = view;
    this.#connection = connection;
    this.#log = log;
  }

  start(): void {
    this.#subscription = this.#connection.subscribe(SUBJECTS.jobsNext, {
      callback: (error, request) => {
        if (error) this.#log.error({ error: error.message }, 'questions for the queue cannot be heard');
        else this.#respond(request);
      },
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.drain();
  }

  #respond(request: Msg): void {
    const snapshot = this.#view();
    if (snapshot) request.respond(encodeMessage(this.#answer(request, snapshot)));
  }

  #answer(request: Msg, snapshot: Snapshot): NextReply {
    try {
      const { limit } = decodeMessage(nextRequestSchema, request.data, 'The request');
      return queueView(snapshot, limit, Date.now());
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'what runs next could not be said');
      return {
        error: error instanceof FarmError ? error.message : 'What runs next could not be worked out.',
      };
    }
  }
}
