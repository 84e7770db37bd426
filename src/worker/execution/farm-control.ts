import type { Msg, NatsConnection } from 'nats';
import type { z } from 'zod';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { jobStopSchema, workerControlSchema } from '../../shared/contracts/messages.ts';
import { jobStopAll, lastToken, workerControlSubject } from '../../shared/contracts/subjects.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { AttemptRegistry } from './attempt-registry.ts';
import type { Lane } from './lane-puller.ts';
import type { WorkerControl, WorkerOrders } from '../../shared/contracts/messages.ts';

export interface FarmControlParts {
  connection: NatsConnection;
  workerId: string;
  registry: AttemptRegistry;
  /** The orders come first: a worker that is paused pulls nothing from its lanes. */
  onLanes: (lanes: readonly Lane[]) => void;
  onDrain: () => void;
  onOrders: (orders: WorkerOrders) => void;
  onGiveBack: () => void;
  onPreview: (order: string) => void;
  /** The farm's shared storage has changed. */
  onRoots: () => void;
  /** Of tasks that wait in hand. */
  giveBackWaiting: (attemptIds: ReadonlySet<string>, reason: string) => void;
  log: Logger;
}

/** Hears what the coordinators tell this worker and all workers of a job. */
export class FarmControl {
  readonly #parts: FarmControlParts;

  constructor(parts: FarmControlParts) {
    this.#parts = parts;
  }

  start(): void {
    const { connection, workerId } = this.#parts;
    connection.subscribe(workerControlSubject(workerId), {
      callback: (error, message) =>
        this.#hear(error, message, workerControlSchema, (control) => this.#follow(control)),
    });
    connection.subscribe(jobStopAll, {
      callback: (error, message) =>
        this.#hear(error, message, jobStopSchema, ({ type }) => {
          const attempts = this.#parts.registry.ofJob(lastToken(message.subject));
          const reason = type === 'stop' ? 'the job was cancelled' : 'the farm wants the rest back';
          this.#parts.giveBackWaiting(new Set(attempts.map(({ id }) => id)), reason);
          for (const attempt of attempts) {
            if (type === 'stop') attempt.stop(reason);
            else attempt.release(reason);
          }
        }),
    });
  }

  #follow(control: WorkerControl): void {
    const { registry, onLanes, onDrain, onOrders, onGiveBack, onPreview, giveBackWaiting } = this.#parts;
    switch (control.type) {
      case 'lanes':
        onOrders(control.orders);
        onLanes(control.lanes);
        return;
      case 'roots':
        this.#parts.onRoots();
        return;
      case 'drain':
        onDrain();
        return;
      case 'orders':
        onOrders(control.orders);
        return;
      case 'give-back':
        onGiveBack();
        return;
      case 'preview':
        onPreview(control.order);
        return;
      case 'release':
        giveBackWaiting(new Set(control.attempts), control.reason);
        for (const id of control.attempts) registry.get(id)?.release(control.reason);
        return;
      case 'drop':
        registry.get(control.attempt)?.drop(control.frames);
    }
  }

  /** What cannot be understood is logged and changes nothing: the next message may be fine. */
  #hear<T>(error: Error | null, message: Msg, schema: z.ZodType<T>, act: (control: T) => void): void {
    try {
      if (error) throw error;
      act(decodeMessage(schema, message.data, 'The control message'));
    } catch (reason) {
      this.#parts.log.error({ reason: messageOf(reason) }, 'a control message was not understood');
    }
  }
}
