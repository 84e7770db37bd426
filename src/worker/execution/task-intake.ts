import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { taskMessageSchema, type TaskMessage, type TaskStatus } from '../../shared/contracts/messages.ts';
import { parseTaskSubject, taskStatusSubject } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { attemptId } from '../../shared/domain/ids.ts';
import { storableText } from '../../shared/domain/text.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { EngineRegistry } from '../engines/engine-registry.ts';
import type { ReporterIdentity } from '../reporting/attempt-reporter.ts';
import type { StatusOutbox } from '../reporting/status-outbox.ts';
import type { AttemptRegistry } from './attempt-registry.ts';
import { Attempt } from './attempt.ts';
import type { TaskDelivery } from './task-delivery.ts';

export interface TaskIntakeParts {
  identity: ReporterIdentity;
  registry: AttemptRegistry;
  engines: EngineRegistry;
  outbox: StatusOutbox;
  log: Logger;
}

/** Looks at deliveries from the lanes: refuses what cannot be run, recognises what is in hand already. */
export class TaskIntake {
  readonly #parts: TaskIntakeParts;

  constructor(parts: TaskIntakeParts) {
    this.#parts = parts;
  }

  /** @returns the attempt to run; undefined when there is none. */
  prepare(delivery: TaskDelivery): Attempt | undefined {
    let task: TaskMessage;
    try {
      task = this.#decode(delivery);
    } catch (error) {
      this.#reject(delivery, messageOf(error));
      return undefined;
    }
    const inHand = this.#parts.registry.ofFeed(task.taskId, task.feed);
    if (inHand) {
      // The server gave up on the earlier delivery (a link that was cut for long). The work goes on once, and its end
      // acks both.
      inHand.deliveries.push(delivery);
      this.#parts.log.info({ attempt: inHand.id }, 'a task in hand was delivered again');
      return undefined;
    }
    return new Attempt(task, delivery);
  }

  /** @throws FarmError */
  #decode(delivery: TaskDelivery): TaskMessage {
    const task = decodeMessage(taskMessageSchema, delivery.data, 'The task');
    const parts = parseTaskSubject(delivery.subject);
    if (parts?.taskId !== task.taskId || parts.jobId !== task.jobId || parts.engine !== task.engine)
      throw new FarmError('invalid', `The task does not belong to its subject ${delivery.subject}.`);
    if (!this.#parts.engines.has(task.engine))
      throw new FarmError('refused', `This worker does not have the engine "${task.engine}".`);
    return task;
  }

  #reject(delivery: TaskDelivery, reason: string): void {
    const { identity, outbox, log } = this.#parts;
    log.error({ subject: delivery.subject, reason }, 'a task was refused');
    const parts = parseTaskSubject(delivery.subject);
    if (parts) {
      const { jobId, taskId } = parts;
      const { feed, step } = salvage(delivery.data);
      const status: TaskStatus = {
        version: 1,
        type: 'rejected',
        attempt: attemptId(taskId, feed, delivery.count),
        feed,
        delivery: delivery.count,
        step,
        instance: identity.instance,
        reason: storableText(reason, 1_000),
      };
      const subject = taskStatusSubject({ workerId: identity.workerId, jobId, taskId });
      void outbox.send(subject, encodeMessage(status), `${identity.instance}:${status.attempt}:rejected`);
    }
    delivery.refuse(reason.slice(0, 200));
  }
}

/** What a task that breaks the contract still tells of itself, so that the ledger can place the refusal. */
function salvage(data: Uint8Array): { feed: number; step: string } {
  const fields = taskMessageSchema.pick({ feed: true, step: true }).strip();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(data));
  } catch {
    value = undefined; // not even JSON; then nothing can be salvaged
  }
  const result = fields.safeParse(value);
  return result.success ? result.data : { feed: 1, step: 'unknown' };
}
