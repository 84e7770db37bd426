import type { Msg, NatsConnection, Subscription } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { Logger } from '../../shared/logging/logger.ts';

/** Answers core requests on a subject; coordinators share them, and each is answered by one. */
export class RequestResponder {
  readonly #connection: NatsConnection;
  readonly #subject: string;
  readonly #answer: (request: Msg) => Promise<unknown>;
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();
  #subscription: Subscription | undefined;

  /** @param answer gives the reply's body and never rejects: what went wrong is a reply, too. */
  constructor(
    connection: NatsConnection,
    subject: string,
    answer: (request: Msg) => Promise<unknown>,
    log: Logger,
  ) {
    this.#connection = connection;
    this.#subject = subject;
    this.#answer = answer;
    this.#log = log;
  }

  start(): void {
    this.#subscription = this.#connection.subscribe(this.#subject, {
      queue: 'coordinators',
      callback: (error, request) => {
        if (error) {
          this.#log.error({ subject: this.#subject, error: error.message }, 'requests cannot be received');
          return;
        }
        const work = this.#respond(request);
        this.#running.add(work);
        void work.finally(() => this.#running.delete(work));
      },
    });
  }

  /** Takes no more, and resolves when all that were taken are answered. */
  async stop(): Promise<void> {
    await this.#subscription?.drain();
    await Promise.all(this.#running);
  }

  async #respond(request: Msg): Promise<void> {
    request.respond(encodeMessage(await this.#answer(request)));
  }
}
