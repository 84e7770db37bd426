import type { Attempt } from './attempt.ts';

/** Every attempt that this worker holds, from its delivery to its ack. */
export class AttemptRegistry {
  readonly #attempts = new Map<string, Attempt>();
  #onChange: () => void = () => undefined;
  #waiters: (() => void)[] = [];

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  add(attempt: Attempt): void {
    this.#attempts.set(attempt.id, attempt);
    this.#onChange();
  }

  remove(attempt: Attempt): void {
    this.#attempts.delete(attempt.id);
    this.#onChange();
    for (const wake of this.#waiters.splice(0)) wake();
  }

  get size(): number {
    return this.#attempts.size;
  }

  all(): Attempt[] {
    return [...this.#attempts.values()];
  }

  get(attemptId: string): Attempt | undefined {
    return this.#attempts.get(attemptId);
  }

  ofJob(jobId: string): Attempt[] {
    return this.all().filter((attempt) => attempt.task.jobId === jobId);
  }

  /** The attempt that has this feed of this task in hand already. */
  ofFeed(taskId: string, feed: number): Attempt | undefined {
    return this.all().find((attempt) => attempt.task.taskId === taskId && attempt.task.feed === feed);
  }

  /** Resolves when at most `count` attempts are left. */
  async untilAtMost(count: number): Promise<void> {
    while (this.#attempts.size > count) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
}
