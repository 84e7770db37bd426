import type { Logger } from '../../shared/logging/logger.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import type { WakeUp } from './wake-ups.ts';

/**
 * Runs `round` each time it is woken and at the latest after the interval, never twice at once. A failed round is
 * logged and tried again with back-off: Postgres or NATS may be away for long.
 */
export class BackgroundLoop {
  readonly #name: string;
  readonly #wakeUp: WakeUp;
  readonly #intervalMs: number;
  readonly #round: () => Promise<void>;
  readonly #log: Logger;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(options: {
    name: string;
    wakeUp: WakeUp;
    intervalMs: number;
    round: () => Promise<void>;
    log: Logger;
  }) {
    this.#name = options.name;
    this.#wakeUp = options.wakeUp;
    this.#intervalMs = options.intervalMs;
    this.#round = options.round;
    this.#log = options.log;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wakeUp.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      try {
        await this.#round();
        failures = 0;
      } catch (error) {
        failures++;
        this.#log.warn(
          { loop: this.#name, failures, error: messageOf(error) },
          'a round failed; it is tried again',
        );
        await pause(backOffMs(failures));
        continue;
      }
      await this.#wakeUp.wait(this.#intervalMs);
    }
  }
}
