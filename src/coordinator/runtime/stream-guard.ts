import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { reconcileStreams } from '../../shared/messaging/reconcile-streams.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';

const CHECK_EVERY_MS = 2_000;

/**
 * Makes the streams again when somebody deleted them, or the whole JetStream store, and tells those who keep consumers
 * or messages in them. One small request every two seconds, and one after each reconnection.
 */
export class StreamGuard {
  readonly #connection: NatsConnection;
  readonly #replicas: number;
  readonly #log: Logger;
  readonly #listeners: (() => void)[] = [];
  readonly #reconnected: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #checking = false;

  constructor(connection: NatsConnection, replicas: number, log: Logger) {
    this.#connection = connection;
    this.#replicas = replicas;
    this.#log = log;
  }

  /** Called after streams were made again: consumers and messages in them are gone. */
  onRebuilt(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Called when NATS is back after having been away. */
  onReconnected(listener: () => void): void {
    this.#reconnected.push(listener);
  }

  async start(): Promise<void> {
    await reconcileStreams(this.#connection, this.#replicas);
    void this.#watchConnection();
    this.#timer = setInterval(() => this.check(), CHECK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks at once; several calls are one. */
  check(): void {
    if (this.#checking) return;
    this.#checking = true;
    void this.#look().finally(() => {
      this.#checking = false;
    });
  }

  async #look(): Promise<void> {
    if (this.#connection.isClosed()) return;
    try {
      const manager = await jetstreamManager(this.#connection, { checkAPI: false, timeout: 2_000 });
      const missing = await missingStreams(manager);
      if (missing.length === 0) return;
      this.#log.warn({ missing }, 'streams are gone; they are made again and filled from the ledger');
      await reconcileStreams(this.#connection, this.#replicas);
      for (const listener of this.#listeners) listener();
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, 'JetStream does not answer');
    }
  }

  async #watchConnection(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type !== 'reconnect') continue;
      for (const listener of this.#reconnected) listener();
      this.check();
    }
  }
}

async function missingStreams(manager: JetStreamManager): Promise<string[]> {
  const present = new Set<string>();
  for await (const name of manager.streams.names()) present.add(name);
  return Object.values(STREAMS)
    .map((stream) => stream.name as string)
    .filter((name) => !present.has(name));
}
