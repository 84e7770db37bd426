import type { NatsConnection } from 'nats';

/** Whether this worker can talk to the farm just now, and who wants to know when it can again. */
export class FarmLink {
  readonly #connection: NatsConnection;
  readonly #listeners: (() => void)[] = [];
  #connected = true;

  /** @param connection connected already */
  constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  onReconnect(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    void this.#watch();
  }

  /** A core publish, left out while the farm is away: the client would heap it up and send it stale. */
  publishLive(subject: string, body: Uint8Array): void {
    if (this.#connected && !this.#connection.isClosed()) this.#connection.publish(subject, body);
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect') this.#connected = false;
      else if (status.type === 'reconnect') {
        this.#connected = true;
        for (const listener of this.#listeners) listener();
      }
    }
    this.#connected = false;
  }
}
