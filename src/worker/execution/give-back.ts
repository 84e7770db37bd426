import { AttemptReporter, type ReporterIdentity } from '../reporting/attempt-reporter.ts';
import type { StatusOutbox } from '../reporting/status-outbox.ts';
import type { Attempt } from './attempt.ts';
import type { TaskAcks } from './task-acks.ts';

/** Gives tasks back that were delivered and not begun: the farm hears of it, cuts their frames anew, and blames nobody. */
export class GiveBack {
  readonly #outbox: StatusOutbox;
  readonly #identity: ReporterIdentity;
  readonly #acks: TaskAcks;

  constructor(outbox: StatusOutbox, identity: ReporterIdentity, acks: TaskAcks) {
    this.#outbox = outbox;
    this.#identity = identity;
    this.#acks = acks;
  }

  /**
   * A `nak` would put the task back where it came from, with one delivery more towards the farm's giving it up. Resolves when
   * the farm has heard of it.
   */
  async attempt(attempt: Attempt, reason: string): Promise<void> {
    attempt.stop(reason); // Ends what is being fetched for it.
    await new AttemptReporter(attempt, this.#outbox, this.#identity).finish(
      { type: 'released', reason },
      null,
    );
    await this.#acks.ack(attempt.deliveries);
  }
}
