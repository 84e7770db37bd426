import { Heap } from '../planning/heap.ts';

interface Event {
  atMs: number;
  order: number;
  run: () => void;
}

/** Virtual time: events happen in their order, and nothing waits. */
export class VirtualClock {
  nowMs = 0;
  readonly #events = new Heap<Event>(
    [],
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order),
  );
  readonly #passing: (fromMs: number, toMs: number) => void;
  #scheduled = 0;

  /** @param passing called before time moves on. */
  constructor(passing: (fromMs: number, toMs: number) => void) {
    this.#passing = passing;
  }

  at(atMs: number, run: () => void): void {
    this.#events.push({ atMs: Math.max(atMs, this.nowMs), order: this.#scheduled++, run });
  }

  /** @returns false when nothing is left to happen until then. */
  step(untilMs: number): boolean {
    const event = this.#events.first();
    if (!event || event.atMs > untilMs) return false;
    this.#events.removeFirst();
    if (event.atMs > this.nowMs) {
      this.#passing(this.nowMs, event.atMs);
      this.nowMs = event.atMs;
    }
    event.run();
    return true;
  }
}
