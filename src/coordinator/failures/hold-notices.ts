import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { WorkerControl } from '../../shared/contracts/messages.ts';
import { workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import type { Announcer } from '../ledger/announcer.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { HeldStep } from './hold-steps.ts';

/** Tells everybody whom it concerns that steps are held, once it is in the ledger. */
export class HoldNotices {
  readonly #publisher: TaskPublisher;
  readonly #announcer: Announcer;
  readonly #wakeUps: WakeUps;
  readonly #connection: NatsConnection;
  readonly #log: Logger;

  constructor(
    parts: { publisher: TaskPublisher; announcer: Announcer; wakeUps: WakeUps },
    connection: NatsConnection,
    log: Logger,
  ) {
    this.#publisher = parts.publisher;
    this.#announcer = parts.announcer;
    this.#wakeUps = parts.wakeUps;
    this.#connection = connection;
    this.#log = log;
  }

  async tell(held: readonly HeldStep[]): Promise<void> {
    for (const { jobId, reason, removed, running } of held) {
      this.#log.warn({ jobId, running: running.length }, reason);
      this.#announcer.announce(jobId, null);
      this.#wakeUps.frameSweeper.wake();
      for (const { worker, attempt } of running) {
        const control: WorkerControl = { type: 'release', attempts: [attempt], reason: 'The step is held.' };
        this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
      }
      await this.#publisher.remove(removed);
    }
  }
}
