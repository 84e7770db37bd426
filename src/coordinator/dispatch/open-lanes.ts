import { AckPolicy, jetstreamManager } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { laneFilter } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS, TASK_ACK_WAIT_MS, TASK_MAX_DELIVERIES } from '../../shared/messaging/streams.ts';
import type { KnownWorker } from './worker-registry.ts';

/** The durable consumers of lanes, and the lanes' rows in the ledger. */
export class OpenLanes {
  readonly #connection: NatsConnection;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  /** Lanes whose consumer exists, as far as this process knows. */
  readonly #open = new Set<string>();
  readonly #opening = new Map<string, Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(connection: NatsConnection, ledger: Ledger, log: Logger) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#log = log;
  }

  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  /** Nothing is known of these, or of any lane. */
  forget(ids: readonly string[] = [...this.#open]): void {
    for (const id of ids) this.#open.delete(id);
  }

  /** Makes the lane's consumer, unless it is there; many calls at once are one. */
  async open(id: string, worker: KnownWorker): Promise<void> {
    if (this.#open.has(id)) return;
    const opening = this.#opening.get(id) ?? this.#make(id, worker).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    await opening;
  }

  /** Lanes that are open as far as this process knows, and whose consumers are gone. */
  async lost(): Promise<string[]> {
    const known = [...this.#open];
    if (known.length === 0) return [];
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    const present = new Set<string>();
    for await (const consumer of manager.consumers.list(STREAMS.tasks.name)) present.add(consumer.name);
    return known.filter((id) => !present.has(id));
  }

  /** Removes consumers and rows. */
  async close(ids: readonly string[]): Promise<void> {
    this.forget(ids);
    this.#closing = this.#remove(ids).finally(() => {
      this.#closing = undefined;
    });
    await this.#closing;
  }

  async #remove(ids: readonly string[]): Promise<void> {
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    for (const id of ids) await manager.consumers.delete(STREAMS.tasks.name, id);
    await this.#ledger.deleteFrom('lanes').where('id', 'in', ids).execute();
    this.#log.info({ lanes: ids }, 'lanes without workers are closed');
  }

  async #make(id: string, { group, heartbeat }: KnownWorker): Promise<void> {
    await this.#closing;
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    await manager.consumers.add(STREAMS.tasks.name, {
      durable_name: id,
      filter_subject: laneFilter(id),
      ack_policy: AckPolicy.Explicit,
      ack_wait: TASK_ACK_WAIT_MS * 1_000_000,
      max_deliver: TASK_MAX_DELIVERIES,
      max_waiting: 20_000,
      max_ack_pending: 20_000,
    });
    await sql`INSERT INTO lanes (id, group_id, slots, engines)
      VALUES (${id}, ${group}, 1, ${JSON.stringify(heartbeat.engines)}::jsonb)
      ON CONFLICT (id) DO UPDATE SET group_id = excluded.group_id, engines = excluded.engines`.execute(
      this.#ledger,
    );
    this.#open.add(id);
    this.#log.info({ lane: id }, 'a lane is open');
  }
}
