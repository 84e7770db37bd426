import type { NatsConnection } from 'nats';

const TICK_MS = 250;
/** A tick this late means that this process stood still: frozen, swapped out or busy. */
const STALL_MS = 1_000;
/** Heartbeats need this long to come in again after NATS is back. */
const SETTLE_MS = 2_500;

/**
 * Milliseconds during which this coordinator could hear the workers. It stands still while NATS is away and while this
 * process does, so that the coordinator's own outages are never taken for a worker's silence.
 */
export class OutageClock {
  readonly #connection: NatsConnection;
  #heard = 0;
  #lastTick = performance.now();
  #deafUntil = 0;
  #connected = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  start(): void {
    this.#lastTick = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    void this.#watch();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Milliseconds heard so far; only differences mean something. */
  now(): number {
    return this.#heard;
  }

  #tick(): void {
    const now = performance.now();
    const passed = now - this.#lastTick;
    this.#lastTick = now;
    if (passed > STALL_MS) this.#deafUntil = now + SETTLE_MS;
    if (this.#connected && now >= this.#deafUntil) this.#heard += passed;
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect') this.#connected = false;
      else if (status.type === 'reconnect') {
        this.#connected = true;
        this.#deafUntil = performance.now() + SETTLE_MS;
      }
    }
  }
}
