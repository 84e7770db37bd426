import type { Logger } from '../logging/logger.ts';

interface Step {
  name: string;
  stop: () => Promise<void> | void;
  timeoutMs: number;
}

/** Owns shutdown: what was started last stops first, each within its own time, and a failure never stops the rest. */
export class Lifecycle {
  readonly #log: Logger;
  readonly #steps: Step[] = [];
  #stopping: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  onStop(name: string, stop: () => Promise<void> | void, timeoutMs = 10_000): void {
    this.#steps.push({ name, stop, timeoutMs });
  }

  /** Stops everything once; later calls wait for the same end. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** SIGTERM and SIGINT stop in order; an unhandled error is fatal, said, and stops in order too. */
  installSignalHandlers(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.#exit(0, signal));
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        this.#log.fatal({ err: error }, `${event}: the process ends and is to be started again`);
        void this.#exit(1, event);
      });
    }
  }

  async #exit(code: number, reason: string): Promise<void> {
    if (code === 0) this.#log.info({ reason }, 'stopping');
    await this.stop();
    process.exit(code);
  }

  async #stopAll(): Promise<void> {
    for (const step of this.#steps.reverse()) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), step.timeoutMs);
      });
      try {
        const outcome = await Promise.race([Promise.resolve(step.stop()), late]);
        if (outcome === 'late')
          this.#log.warn({ step: step.name, timeoutMs: step.timeoutMs }, 'did not stop in time');
      } catch (error) {
        this.#log.error({ err: error, step: step.name }, 'failed to stop');
      } finally {
        clearTimeout(timer);
      }
    }
  }
}
