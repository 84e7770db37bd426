const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/**
 * Counts wrong tokens by address. Only answers to wrong ones are limited: behind one address (a proxy, this machine)
 * people with the right token go on, and a token of 32 characters is not guessed at any rate.
 */
export class BadTokenLimiter {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, { startedAt: number; count: number }>();

  constructor(limit = 30, now: () => number = Date.now) {
    this.#limit = limit;
    this.#now = now;
  }

  /** @returns seconds to wait when this address has shown too many wrong tokens within a minute, else 0. */
  wrongToken(address: string): number {
    const now = this.#now();
    const window = this.#windows.get(address);
    if (!window || now - window.startedAt >= WINDOW_MS) {
      if (this.#windows.size >= MAX_ADDRESSES) this.#forgetOld(now);
      this.#windows.set(address, { startedAt: now, count: 1 });
      return 0;
    }
    window.count++;
    return window.count > this.#limit ? Math.ceil((window.startedAt + WINDOW_MS - now) / 1_000) : 0;
  }

  #forgetOld(now: number): void {
    for (const [address, window] of this.#windows)
      if (now - window.startedAt >= WINDOW_MS) this.#windows.delete(address);
    if (this.#windows.size >= MAX_ADDRESSES) this.#windows.clear();
  }
}
