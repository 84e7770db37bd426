import { AckPolicy, jetstreamManager } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { DetectedEngine, WorkerControl } from '../../shared/contracts/messages.ts';
import { laneFilter, workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { laneId } from '../../shared/domain/worker-groups.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS, TASK_ACK_WAIT_MS, TASK_MAX_DELIVERIES } from '../../shared/messaging/streams.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { LeaderLease } from './leader-lease.ts';
import type { KnownWorker, WorkerRegistry } from './worker-registry.ts';

/** Slots that a task of the only size of lane takes so far. */
const TASK_SLOTS = 1;

/** A lane that tasks can be published to: its consumer exists. */
export interface OpenLane {
  id: string;
  group: string;
  engines: readonly DetectedEngine[];
  /** Of workers that take work now. */
  slots: number;
}

/** Makes the durable consumers for groups of workers and tells each worker which lanes are its own. */
export class LaneManager {
  readonly #connection: NatsConnection;
  readonly #ledger: Ledger;
  readonly #registry: WorkerRegistry;
  readonly #lease: LeaderLease;
  readonly #wakeUps: WakeUps;
  readonly #log: Logger;
  /** Lanes whose consumer exists, as far as this process knows. */
  readonly #ready = new Map<string, Promise<void>>();

  constructor(
    parts: { registry: WorkerRegistry; lease: LeaderLease; wakeUps: WakeUps },
    connection: NatsConnection,
    ledger: Ledger,
    log: Logger,
  ) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#registry = parts.registry;
    this.#lease = parts.lease;
    this.#wakeUps = parts.wakeUps;
    this.#log = log;
  }

  start(): void {
    this.#registry.onHeartbeat(({ worker, changed }) => {
      if (!this.#lease.isLeader()) return;
      void this.#assign(worker);
      if (changed) this.#wakeUps.feeder.wake();
    });
    this.#lease.onElected(() => this.reset());
  }

  /** Consumers may be gone: look at each again. */
  reset(): void {
    this.#ready.clear();
    for (const worker of this.#registry.takingWork()) void this.#assign(worker, true);
  }

  /**
   * Makes consumers again that somebody deleted while their stream stayed. What the lane holds is dropped first: a new
   * consumer would deliver what is in a worker's hands, too, and count deliveries from 1 again, as if it were the same
   * attempt. What still waits is fed again from the ledger.
   */
  async reopenLost(): Promise<void> {
    if (this.#ready.size === 0) return;
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    const present = new Set<string>();
    for await (const consumer of manager.consumers.list(STREAMS.tasks.name)) present.add(consumer.name);
    const lost = [...this.#ready.keys()].filter((id) => !present.has(id));
    for (const id of lost) {
      this.#log.warn({ lane: id }, 'the consumer of a lane is gone; it is made again');
      await manager.streams.purge(STREAMS.tasks.name, { filter: laneFilter(id) });
      this.#ready.delete(id);
    }
    if (lost.length > 0) this.reset();
  }

  /** Lanes with their slots; those without a worker that takes work are left out. */
  openLanes(): OpenLane[] {
    const lanes = new Map<string, OpenLane>();
    for (const worker of this.#registry.takingWork()) {
      const id = laneId(worker.group, TASK_SLOTS);
      // Until it pulls, what is published would only wait; and another lane could take it meanwhile.
      if (!this.#ready.has(id) || !worker.heartbeat.lanes.includes(id)) continue;
      const lane = lanes.get(id);
      if (lane) lane.slots += worker.heartbeat.slots;
      else
        lanes.set(id, {
          id,
          group: worker.group,
          engines: worker.heartbeat.engines,
          slots: worker.heartbeat.slots,
        });
    }
    return [...lanes.values()];
  }

  async #assign(worker: KnownWorker, always = false): Promise<void> {
    const id = laneId(worker.group, TASK_SLOTS);
    const { heartbeat } = worker;
    if (heartbeat.state === 'stopping') return;
    try {
      await this.#ensure(id, worker);
    } catch (error) {
      this.#ready.delete(id);
      this.#log.warn(
        { lane: id, error: messageOf(error) },
        'the lane could not be opened; its workers ask again',
      );
      return;
    }
    const told = heartbeat.lanes.length === 1 && heartbeat.lanes[0] === id;
    if (told && !always) return;
    const control: WorkerControl = {
      type: 'lanes',
      lanes: [{ lane: id, slots: TASK_SLOTS, kind: 'shared' }],
    };
    this.#connection.publish(workerControlSubject(heartbeat.workerId), encodeMessage(control));
  }

  #ensure(id: string, worker: KnownWorker): Promise<void> {
    const known = this.#ready.get(id);
    if (known) return known;
    const opening = this.#open(id, worker);
    this.#ready.set(id, opening);
    return opening;
  }

  async #open(id: string, worker: KnownWorker): Promise<void> {
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
      VALUES (${id}, ${worker.group}, ${TASK_SLOTS}, ${JSON.stringify(worker.heartbeat.engines)}::jsonb)
      ON CONFLICT (id) DO NOTHING`.execute(this.#ledger);
    this.#log.info({ lane: id }, 'a lane is open');
    this.#wakeUps.feeder.wake();
  }

  /** Removes consumers and rows of lanes that nobody pulls from and nothing waits in. */
  async close(ids: readonly string[]): Promise<void> {
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    for (const id of ids) {
      this.#ready.delete(id);
      await manager.consumers.delete(STREAMS.tasks.name, id);
    }
    await this.#ledger.deleteFrom('lanes').where('id', 'in', ids).execute();
    this.#log.info({ lanes: ids }, 'lanes without workers are closed');
  }
}
