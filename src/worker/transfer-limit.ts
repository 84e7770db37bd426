import { FarmError } from '../shared/domain/errors.ts';

const LEAST_SECONDS = 60;
/** The slowest link that is waited for; slower transfers are begun again. */
const LEAST_BYTES_PER_SECOND = 128 * 1024;

/**
 * Ends one transfer when nobody wants it any more, or when it takes longer than its size explains. AbortSignal.timeout()
 * would keep a timer for each of thousands of transfers long after it ended; this one is disposed of.
 */
export class TransferLimit {
  readonly #end = new AbortController();
  readonly #wanted: AbortSignal;
  readonly #onAbort = (): void => this.#end.abort(this.#wanted.reason);
  #timer: NodeJS.Timeout | undefined;

  /** @param wanted aborts when the transfer is no longer wanted */
  constructor(wanted: AbortSignal, bytes = 0) {
    this.#wanted = wanted;
    wanted.addEventListener('abort', this.#onAbort, { once: true });
    if (wanted.aborted) this.#onAbort();
    this.allow(bytes);
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** From now on there is time for so many bytes: a download learns its size from the answer. */
  allow(bytes: number): void {
    clearTimeout(this.#timer);
    const seconds = LEAST_SECONDS + bytes / LEAST_BYTES_PER_SECOND;
    this.#timer = setTimeout(() => {
      this.#end.abort(
        new FarmError('unavailable', `The storage did not finish within ${Math.round(seconds)} s.`),
      );
    }, seconds * 1000);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#wanted.removeEventListener('abort', this.#onAbort);
  }
}
