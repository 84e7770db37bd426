/** Wakes one background loop; many calls before it gets to it are one. */
export class WakeUp {
  #woken = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Resolves when woken, or after `timeoutMs`. @returns whether it was woken. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#woken) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }
}

/** The loops that others wake. */
export class WakeUps {
  readonly feeder = new WakeUp();
  readonly expander = new WakeUp();
  readonly batches = new WakeUp();
  readonly sweeper = new WakeUp();
  readonly frameSweeper = new WakeUp();
  /** Results came that are compared with others of their step once all have ended. */
  readonly sequenceJudge = new WakeUp();
  /** A worker's pause or timetable was changed in the ledger, or it follows other orders than these. */
  readonly orders = new WakeUp();
  /** A definition of an engine was stored or removed. */
  readonly engines = new WakeUp();
  /** Something was deleted, or rules for what is kept have changed. */
  readonly collector = new WakeUp();
}
