import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { ReporterIdentity } from '../reporting/attempt-reporter.ts';
import type { FarmAsks } from '../reporting/farm-asks.ts';
import type { AttemptRegistry } from './attempt-registry.ts';
import type { Attempt } from './attempt.ts';

/**
 * After the link to the farm was cut: asks for every attempt in hand whether its frames are still wanted. The farm may
 * have given them to others meanwhile; those are left out, and everything else goes on where it is.
 */
export class Readoption {
  readonly #registry: AttemptRegistry;
  readonly #asks: FarmAsks;
  readonly #identity: ReporterIdentity;
  readonly #log: Logger;
  #round = new AbortController();

  constructor(registry: AttemptRegistry, asks: FarmAsks, identity: ReporterIdentity, log: Logger) {
    this.#registry = registry;
    this.#asks = asks;
    this.#identity = identity;
    this.#log = log;
  }

  /** The link is back. A round that still waits for answers from before is given up for the new one. */
  start(): void {
    this.stop();
    this.#round = new AbortController();
    for (const attempt of this.#registry.all()) {
      if (attempt.waiting) attempt.isUnsure = true;
      else void this.#ask(attempt, this.#round.signal);
    }
  }

  stop(): void {
    this.#round.abort();
  }

  async #ask(attempt: Attempt, round: AbortSignal): Promise<void> {
    const frames = attempt.openFrames;
    if (frames.length === 0) return;
    const { taskId, jobId, feed } = attempt.task;
    const place = { version: 1, taskId, jobId, attempt: attempt.id, feed } as const;
    const current = attempt.current?.number ?? null;
    const signal = AbortSignal.any([round, attempt.stopSignal]);
    try {
      const { instance } = this.#identity;
      const { wanted } = await this.#asks.resume({ ...place, instance, frames, current }, signal);
      // What was begun while the answer was on its way is not in it and goes on.
      const set = new Set(wanted);
      attempt.drop(frames.map(({ number }) => number).filter((number) => !set.has(number)));
      this.#log.info(
        { attempt: attempt.id, asked: frames.length, wanted: wanted.length },
        'the farm knows us again',
      );
    } catch (error) {
      if (!signal.aborted)
        this.#log.error({ attempt: attempt.id, reason: messageOf(error) }, 'the farm could not be asked');
    }
  }
}
