import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { FailureClass, FrameResult, TaskStatus } from '../../shared/contracts/messages.ts';
import { taskStatusSubject } from '../../shared/contracts/subjects.ts';
import { storableText } from '../../shared/domain/text.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { StatusOutbox } from './status-outbox.ts';

const LINGER_MS = 50;
/** A task that has completed by then says only that: with tiny tasks, half of all messages would be of their begin. */
const STARTED_AFTER_MS = 5;
/** Well under the server's limit of 1 MiB for a message. */
const MAX_RESULT_BYTES = 600_000;
const MAX_MESSAGE_LENGTH = 4_000;
const MAX_REASON_LENGTH = 1_000;

/** Who reports: the ids that place a report. */
export interface ReporterIdentity {
  workerId: string;
  instance: string;
}

export type AttemptOutcome =
  | { type: 'completed' }
  | { type: 'released'; reason: string }
  | { type: 'failed'; class: FailureClass; message: string; failedFrame: number | null };

/** What one attempt tells the ledger. Frames that finish within a moment go together in one message. */
export class AttemptReporter {
  readonly #attempt: Attempt;
  readonly #outbox: StatusOutbox;
  readonly #identity: ReporterIdentity;
  readonly #subject: string;
  #unsent: FrameResult[] = [];
  #timer: NodeJS.Timeout | undefined;
  #starting: NodeJS.Timeout | undefined;
  #count = 0;
  #definition: string | null = null;

  constructor(attempt: Attempt, outbox: StatusOutbox, identity: ReporterIdentity) {
    this.#attempt = attempt;
    this.#outbox = outbox;
    this.#identity = identity;
    const { jobId, taskId } = attempt.task;
    this.#subject = taskStatusSubject({ workerId: identity.workerId, jobId, taskId });
  }

  /** Said in a moment, unless the task has completed by then. */
  started(): void {
    this.#starting = setTimeout(() => this.#sayStarted(), STARTED_AFTER_MS);
  }

  /** What its engine is run by: told before it begins. */
  runsBy(definition: string | null): void {
    this.#definition = definition;
  }

  frameDone(result: FrameResult): void {
    this.#unsent.push(result);
    this.#timer ??= setTimeout(() => this.#flush(), LINGER_MS);
  }

  /**
   * The attempt's last word, with everything that it delivered. Results that do not fit into one message go ahead in
   * messages of their own. Resolves when the farm has stored it.
   */
  async finish(outcome: AttemptOutcome, logKey: string | null): Promise<void> {
    clearTimeout(this.#timer);
    if (outcome.type === 'completed') clearTimeout(this.#starting);
    else this.#sayStarted();
    const unsent = new Map(this.#unsent.splice(0).map((result) => [result.number, result]));
    // What was not said before goes with its thumbnail, which the attempt does not keep.
    const groups = groupBySize(this.#attempt.done.map((result) => unsent.get(result.number) ?? result));
    const last = groups.pop() ?? [];
    for (const done of groups) void this.#send({ type: 'frames', ...this.#place(), done });
    const common = { ...this.#place(), done: last, logKey };
    if (outcome.type === 'completed') await this.#send({ type: 'completed', ...common });
    else if (outcome.type === 'released') {
      const reason = storableText(outcome.reason, MAX_REASON_LENGTH);
      await this.#send({ type: 'released', ...common, reason });
    } else {
      const message = storableText(outcome.message, MAX_MESSAGE_LENGTH);
      await this.#send({ ...common, ...outcome, message });
    }
  }

  #sayStarted(): void {
    if (this.#starting === undefined) return;
    clearTimeout(this.#starting);
    this.#starting = undefined;
    void this.#send({ type: 'started', ...this.#place(), frames: this.#attempt.task.frames });
  }

  #flush(): void {
    this.#timer = undefined;
    this.#sayStarted();
    for (const done of groupBySize(this.#unsent.splice(0)))
      void this.#send({ type: 'frames', ...this.#place(), done });
  }

  #send(status: TaskStatus): Promise<void> {
    const id = `${this.#identity.instance}:${this.#attempt.id}:${this.#count++}`;
    return this.#outbox.send(this.#subject, encodeMessage(status), id);
  }

  #place(): Pick<
    TaskStatus,
    'version' | 'attempt' | 'feed' | 'delivery' | 'step' | 'instance' | 'definition'
  > {
    const { id, task, delivery } = this.#attempt;
    const { instance } = this.#identity;
    const place = { version: 1, attempt: id, feed: task.feed, delivery, step: task.step, instance } as const;
    return this.#definition === null ? place : { ...place, definition: this.#definition };
  }
}

/** Cuts results into groups that each fit into a message. */
function groupBySize(results: readonly FrameResult[]): FrameResult[][] {
  const groups: FrameResult[][] = [];
  let bytes = Infinity;
  for (const result of results) {
    const size = JSON.stringify(result).length + 1;
    if (bytes + size > MAX_RESULT_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(result);
    bytes += size;
  }
  return groups;
}
