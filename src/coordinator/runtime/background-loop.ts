import type { Logger } from '../../shared/logging/logger.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import type { WakeUp } from './wake-ups.ts';

export interface BackgroundLoopOptions {
  name: string;
  wakeUp: WakeUp;
  intervalMs: number;
  /** Work that comes in slices does one and answers `true` while there may be more: then the next follows at once. */
  round: () => Promise<unknown>;
  /** How long to rest after a round that took so many milliseconds, before the next may begin. */
  restMs?: (tookMs: number) => number;
  log: Logger;
}

/**
 * Runs `round` each time it is woken and at the latest after the interval, never twice at once. A failed round is
 * logged and tried again with back-off: Postgres or NATS may be away for long.
 */
export class BackgroundLoop {
  readonly #options: BackgroundLoopOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: BackgroundLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the round under way has ended; what is left of the work is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#options.wakeUp.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { name, wakeUp, intervalMs, log } = this.#options;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      let more: boolean;
      try {
        more = await this.#round();
        failures = 0;
      } catch (error) {
        failures++;
        log.warn({ loop: name, failures, error: messageOf(error) }, 'a round failed; it is tried again');
        await pause(backOffMs(failures), this.#stopping.signal);
        continue;
      }
      if (!more) await wakeUp.wait(intervalMs);
    }
  }

  /** @returns whether there may be more to do at once. */
  async #round(): Promise<boolean> {
    const { round, restMs } = this.#options;
    const beganAt = performance.now();
    const more = (await round()) === true;
    if (restMs) await pause(restMs(performance.now() - beganAt), this.#stopping.signal);
    return more;
  }
}
