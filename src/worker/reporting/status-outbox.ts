import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';

/** Publishes one message and resolves when the stream has stored it. */
export type StatusPublisher = (subject: string, body: Uint8Array, messageId: string) => Promise<void>;

interface Entry {
  subject: string;
  body: Uint8Array;
  messageId: string;
  resolve: () => void;
}

/** In flight at once: published one by one, each would wait for a round trip. */
const WINDOW = 256;

/**
 * Reports that must not be lost, in the order in which they were made. After a failure, everything that the stream has
 * not confirmed is published again, in order; the ids make the stream drop what it had taken already. While the farm is
 * away reports wait here: each task in hand makes few of them, so the slots bound their number.
 */
export class StatusOutbox {
  readonly #publish: StatusPublisher;
  readonly #log: Logger;
  /** Not confirmed yet; those before `#next` are in flight. */
  readonly #waiting: Entry[] = [];
  #next = 0;
  #inFlight = 0;
  /** Raised when everything in flight is given up; what it still answers then counts only when it is good news. */
  #round = 0;
  #failure: unknown;
  #tries = 0;
  #backOff: AbortController | undefined;

  constructor(publish: StatusPublisher, log: Logger) {
    this.#publish = publish;
    this.#log = log;
  }

  /** Resolves when the stream has stored the report; never rejects. */
  send(subject: string, body: Uint8Array, messageId: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ subject, body, messageId, resolve });
      this.#pump();
    });
  }

  get pending(): number {
    return this.#waiting.length;
  }

  /** The connection is new: what was in flight on the old one is lost, and no back-off need be waited for. */
  retryNow(): void {
    this.#backOff?.abort();
    this.#beginRound();
  }

  /** Waits until everything is stored. @returns false when some reports are still here after `timeoutMs` */
  async flush(timeoutMs: number): Promise<boolean> {
    const end = Date.now() + timeoutMs;
    while (this.#waiting.length > 0 && Date.now() < end) await pause(10);
    return this.#waiting.length === 0;
  }

  #pump(): void {
    while (this.#failure === undefined && this.#inFlight < WINDOW) {
      const entry = this.#waiting[this.#next];
      if (!entry) return;
      this.#next++;
      this.#inFlight++;
      void this.#launch(entry);
    }
  }

  async #launch(entry: Entry): Promise<void> {
    const round = this.#round;
    try {
      await this.#publish(entry.subject, entry.body, entry.messageId);
      this.#confirm(entry);
    } catch (error) {
      if (round === this.#round) this.#failure ??= error ?? new Error('no reason given');
    }
    if (round !== this.#round) return;
    this.#inFlight--;
    if (this.#failure === undefined) this.#pump();
    else if (this.#inFlight === 0) await this.#startAgain(round);
  }

  #confirm(entry: Entry): void {
    const index = this.#waiting.indexOf(entry);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    if (index < this.#next) this.#next--;
    this.#tries = 0;
    entry.resolve();
  }

  async #startAgain(round: number): Promise<void> {
    if (this.#tries === 0) {
      const reason = messageOf(this.#failure);
      this.#log.warn({ pending: this.#waiting.length, reason }, 'reports wait until the farm takes them');
    }
    this.#backOff = new AbortController();
    await pause(backOffMs(this.#tries++), this.#backOff.signal);
    if (round === this.#round) this.#beginRound();
  }

  #beginRound(): void {
    this.#round++;
    this.#failure = undefined;
    this.#next = 0;
    this.#inFlight = 0;
    this.#pump();
  }
}
