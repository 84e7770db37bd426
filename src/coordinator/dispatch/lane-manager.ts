import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { WorkerControl, WorkerOrders } from '../../shared/contracts/messages.ts';
import { laneFilter, workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { laneId, workerLaneId } from '../../shared/domain/worker-groups.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { OpenLanes } from './open-lanes.ts';
import type { LeaderLease } from './leader-lease.ts';
import type { KnownWorker, WorkerRegistry } from './worker-registry.ts';

type ToldLane = Extract<WorkerControl, { type: 'lanes' }>['lanes'][number];

/**
 * Makes the lanes and tells each worker its own, with its orders, so that a paused one that begins anew takes nothing; again
 * whenever what it says differs from what it should have. `shared`:
 * one for each group, of tasks of one slot. `home`: for a worker with scenes loaded, of tasks for it alone. `reserved`:
 * for a worker that is kept free for a task of several slots, as long as it is.
 */
export class LaneManager {
  readonly #connection: NatsConnection;
  readonly #registry: WorkerRegistry;
  readonly #lease: LeaderLease;
  readonly #wakeUps: WakeUps;
  readonly #ordersOf: (workerId: string) => WorkerOrders | undefined;
  readonly #log: Logger;
  readonly #lanes: OpenLanes;
  /** What each worker was told last. */
  readonly #told = new Map<string, string>();
  /** Workers that are to be kept free, and how many slots of them. */
  #reserved: ReadonlyMap<string, number> = new Map();

  constructor(
    parts: {
      registry: WorkerRegistry;
      lease: LeaderLease;
      wakeUps: WakeUps;
      /** What the ledger says of a worker; undefined until it was read. */
      ordersOf: (workerId: string) => WorkerOrders | undefined;
    },
    connection: NatsConnection,
    ledger: Ledger,
    log: Logger,
  ) {
    this.#connection = connection;
    this.#registry = parts.registry;
    this.#lease = parts.lease;
    this.#wakeUps = parts.wakeUps;
    this.#ordersOf = parts.ordersOf;
    this.#log = log;
    this.#lanes = new OpenLanes(connection, ledger, log);
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
    this.#lanes.forget();
    this.#told.clear();
    for (const worker of this.#registry.takingWork()) void this.#assign(worker);
  }

  /** The worker's part of its group's common lane; undefined while it does not pull from it. */
  sharedLane(worker: KnownWorker): string | undefined {
    return this.#pulled(worker, laneId(worker.group, 1));
  }

  /** The lane of tasks that find their scene loaded in this worker; undefined while it does not pull from it. */
  homeLane(worker: KnownWorker): string | undefined {
    return this.#pulled(worker, workerLaneId('home', worker.heartbeat.workerId));
  }

  /** Opens that lane for a worker without a scene, too: it is to have what another one is not to have. */
  openHome(worker: KnownWorker): void {
    const id = workerLaneId('home', worker.heartbeat.workerId);
    if (this.#lanes.isOpen(id)) void this.#assign(worker);
    else void this.#open([id], worker).then((opened) => (opened ? this.#assign(worker) : undefined));
  }

  /** The lane of tasks that need several slots of this worker; undefined until it is open, which it then soon is. */
  bigLane(worker: KnownWorker): string | undefined {
    const id = workerLaneId('big', worker.heartbeat.workerId);
    if (this.#lanes.isOpen(id)) return id;
    void this.#open([id], worker);
    return undefined;
  }

  /** Which workers are to take nothing but a task of so many slots, until it has begun. Replaces what was said before. */
  reserve(slots: ReadonlyMap<string, number>): void {
    const before = this.#reserved;
    this.#reserved = slots;
    for (const id of new Set([...before.keys(), ...slots.keys()])) {
      const worker = this.#registry.get(id);
      if (worker && before.get(id) !== slots.get(id)) void this.#assign(worker);
    }
  }

  /**
   * Makes consumers again that somebody deleted while their stream stayed. What the lane holds is dropped first: a new
   * consumer would deliver what is in a worker's hands, too, and count deliveries from 1 again, as if it were the same
   * attempt. What still waits is fed again from the ledger.
   */
  async reopenLost(): Promise<void> {
    const lost = await this.#lanes.lost();
    if (lost.length === 0) return;
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    for (const id of lost) {
      this.#log.warn({ lane: id }, 'the consumer of a lane is gone; it is made again');
      await manager.streams.purge(STREAMS.tasks.name, { filter: laneFilter(id) });
    }
    this.#lanes.forget(lost);
    this.reset();
  }

  /** Removes consumers and rows of lanes that nobody pulls from and nothing waits in. */
  async close(ids: readonly string[]): Promise<void> {
    await this.#lanes.close(ids);
  }

  #pulled(worker: KnownWorker, id: string): string | undefined {
    // Until it pulls, what is published would only wait; and another lane could take it meanwhile.
    return this.#lanes.isOpen(id) && worker.heartbeat.lanes.includes(id) ? id : undefined;
  }

  async #assign(worker: KnownWorker): Promise<void> {
    const { heartbeat } = worker;
    if (heartbeat.state === 'stopping') return;
    const lanes = this.#wanted(worker);
    const ids = lanes.map((lane) => lane.lane);
    if (!ids.every((id) => this.#lanes.isOpen(id)) && !(await this.#open(ids, worker))) return;
    const told = JSON.stringify(lanes);
    const same = heartbeat.lanes.length === ids.length && ids.every((id) => heartbeat.lanes.includes(id));
    if (same && this.#told.get(heartbeat.workerId) === told) return;
    // Its next heartbeat asks again.
    const orders = this.#ordersOf(heartbeat.workerId);
    if (orders === undefined) return;
    this.#told.set(heartbeat.workerId, told);
    const control: WorkerControl = { type: 'lanes', lanes, orders };
    this.#connection.publish(workerControlSubject(heartbeat.workerId), encodeMessage(control));
  }

  #wanted({ heartbeat: { workerId }, group, assets }: KnownWorker): ToldLane[] {
    const reserved = this.#reserved.get(workerId);
    const home = workerLaneId('home', workerId);
    const hasHome = assets.warm.size > 0 || this.#lanes.isOpen(home);
    return [
      ...(reserved === undefined
        ? []
        : [{ lane: workerLaneId('big', workerId), slots: reserved, kind: 'reserved' as const }]),
      ...(hasHome ? [{ lane: home, slots: 1, kind: 'home' as const }] : []),
      { lane: laneId(group, 1), slots: 1, kind: 'shared' },
    ];
  }

  /** @returns whether all are open now. */
  async #open(ids: readonly string[], worker: KnownWorker): Promise<boolean> {
    try {
      await Promise.all(ids.map((id) => this.#lanes.open(id, worker)));
    } catch (error) {
      this.#log.warn(
        { lanes: ids, error: messageOf(error) },
        'lanes could not be opened; they are tried again with the next heartbeat',
      );
      return false;
    }
    this.#wakeUps.feeder.wake();
    return true;
  }
}
