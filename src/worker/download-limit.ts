import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** So much at once is below what anybody notices on a line, and keeps the disk busy. */
const BURST_MS = 100;

/** What all downloads of a worker together may take of the line. */
export class DownloadLimit {
  readonly #bytesPerMs: number;
  /** When what was let through is paid for. */
  #paidAtMs = 0;

  /** @param bytesPerSecond null: any */
  constructor(bytesPerSecond: number | null) {
    this.#bytesPerMs = bytesPerSecond === null ? Infinity : bytesPerSecond / 1_000;
  }

  /**
   * Passes bytes on as fast as they may come.
   * @param onWait told before each wait, so that a transfer which waits here is not taken for one that hangs
   */
  stream(signal: AbortSignal, onWait: () => void): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const waitMs = this.#charge(chunk.byteLength);
        if (waitMs <= 0) {
          done(null, chunk);
          return;
        }
        onWait();
        sleep(waitMs, undefined, { signal }).then(
          () => done(null, chunk),
          (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
        );
      },
    });
  }

  /** @returns how long to wait before the bytes are passed on */
  #charge(bytes: number): number {
    if (this.#bytesPerMs === Infinity) return 0;
    const nowMs = performance.now();
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs - BURST_MS) + bytes / this.#bytesPerMs;
    return this.#paidAtMs - nowMs;
  }
}
