import type { FrameResult } from '../../shared/contracts/messages.ts';
import type { AcceptedFrame, AttemptResult } from './accept-results.ts';
import type { BatchPlan } from './plan-batch.ts';

/** What is remembered at most, in frames: about as many as a full window of tasks has. */
const MAX_FRAMES = 200_000;

/**
 * Results of tasks under way that this coordinator has written into the ledger. The last word of a task names all its
 * frames again, so that a lost message does no harm; those that are known need not be looked up a second time. A frame
 * that was accepted stays accepted in its generation, so what is known here can be late, but never wrong.
 */
export class KnownResults {
  /** By task: generations by frame. Tasks in the order in which they were first heard of. */
  readonly #tasks = new Map<string, Map<number, number>>();
  #frames = 0;

  has(taskKey: string, { number, generation }: FrameResult): boolean {
    return this.#tasks.get(taskKey)?.get(number) === generation;
  }

  /** A batch is in the ledger. */
  note(
    plan: BatchPlan,
    accepted: readonly AcceptedFrame[],
    results: ReadonlyMap<string, AttemptResult>,
  ): void {
    for (const frame of accepted) {
      const taken = results.get(`${frame.step_key}/${frame.number}`);
      if (taken && plan.tasks.get(taken.taskKey)?.state !== 'ended') this.#add(taken);
    }
    for (const [key, { state }] of plan.tasks) if (state === 'ended') this.#forget(key);
    for (const key of this.#tasks.keys()) {
      if (this.#frames <= MAX_FRAMES) break;
      this.#forget(key);
    }
  }

  #add({ taskKey, result }: AttemptResult): void {
    const frames = this.#tasks.get(taskKey) ?? new Map<number, number>();
    if (!frames.has(result.number)) this.#frames++;
    frames.set(result.number, result.generation);
    this.#tasks.set(taskKey, frames);
  }

  #forget(taskKey: string): void {
    this.#frames -= this.#tasks.get(taskKey)?.size ?? 0;
    this.#tasks.delete(taskKey);
  }
}
