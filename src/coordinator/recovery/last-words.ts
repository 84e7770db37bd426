import type { Heartbeat } from '../../shared/contracts/messages.ts';
import { taskKeyOf } from '../../shared/domain/task-ids.ts';

interface Spoken {
  present: Heartbeat;
  /** The last of the process before. */
  former: Heartbeat | undefined;
  /** What the former one had in hand was asked for. */
  handled: boolean;
}

/** The last heartbeat of each worker's present process and of the one before it. */
export class LastWords {
  readonly #spoken = new Map<string, Spoken>();

  hear(heartbeat: Heartbeat): void {
    const before = this.#spoken.get(heartbeat.workerId);
    const isSame = before?.present.instance === heartbeat.instance;
    this.#spoken.set(heartbeat.workerId, {
      present: heartbeat,
      former: isSame ? before.former : before?.present,
      handled: isSame && before.handled,
    });
  }

  /** Words of a process that was not heard here: of one that is gone, or of the one before the present one. */
  recall(heartbeat: Heartbeat): void {
    const { workerId, instance } = heartbeat;
    const known = this.#spoken.get(workerId);
    if (!known) this.#spoken.set(workerId, { present: heartbeat, former: undefined, handled: false });
    else if (known.present.instance !== instance && !known.former)
      this.#spoken.set(workerId, { ...known, former: heartbeat, handled: false });
  }

  /** What a worker's process said last; undefined when it was not heard here. */
  of(worker: string, instance: string): Heartbeat | undefined {
    const spoken = this.#spoken.get(worker);
    return [spoken?.present, spoken?.former].find((heartbeat) => heartbeat?.instance === instance);
  }

  /** Tasks that former processes had in hand; each is named once. */
  takeFormerHands(): string[] {
    return [...this.#spoken.values()].flatMap((spoken) => {
      if (spoken.handled || !spoken.former) return [];
      spoken.handled = true;
      return tasksOf(spoken.former);
    });
  }

  /** Tasks that a worker's present process had in hand when it was heard last. */
  handsOf(worker: string): string[] {
    const present = this.#spoken.get(worker)?.present;
    return present === undefined ? [] : tasksOf(present);
  }

  /** Forgets all but these workers. */
  keepOnly(workers: Iterable<string>): void {
    const kept = new Set(workers);
    for (const worker of this.#spoken.keys()) if (!kept.has(worker)) this.#spoken.delete(worker);
  }
}

const tasksOf = (heartbeat: Heartbeat): string[] =>
  heartbeat.attempts.flatMap((attempt) => taskKeyOf(attempt.taskId) ?? []);
