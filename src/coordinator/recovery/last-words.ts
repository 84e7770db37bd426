import type { Heartbeat } from '../../shared/contracts/messages.ts';

interface Spoken {
  present: Heartbeat;
  /** The last of the process before. */
  former: Heartbeat | undefined;
}

/** The last heartbeat of each worker's present process and of the one before it. */
export class LastWords {
  readonly #spoken = new Map<string, Spoken>();

  hear(heartbeat: Heartbeat): void {
    const before = this.#spoken.get(heartbeat.workerId);
    const former = before?.present.instance === heartbeat.instance ? before.former : before?.present;
    this.#spoken.set(heartbeat.workerId, { present: heartbeat, former });
  }

  /** What a worker's process said last; undefined when it was not heard here. */
  of(worker: string, instance: string): Heartbeat | undefined {
    const spoken = this.#spoken.get(worker);
    return [spoken?.present, spoken?.former].find((heartbeat) => heartbeat?.instance === instance);
  }

  /** Forgets all but these workers. */
  keepOnly(workers: Iterable<string>): void {
    const kept = new Set(workers);
    for (const worker of this.#spoken.keys()) if (!kept.has(worker)) this.#spoken.delete(worker);
  }
}
