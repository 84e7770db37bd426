import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { WorkerControl, WorkerOrders as Orders } from '../../shared/contracts/messages.ts';
import { workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import type { KnownWorker, WorkerRegistry } from '../dispatch/worker-registry.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';

/** How soon a pause that another coordinator wrote keeps a worker from work here, too. */
const EVERY_MS = 1_000;
const NO_ORDERS: Orders = { pause: null, timetable: null };

/**
 * What the ledger says of workers beyond what they say themselves: pauses and timetables. Workers that follow other orders
 * than these, as their heartbeats tell, are told; those that are paused are given no work before they have heard of it.
 */
export class WorkerOrders {
  readonly #registry: WorkerRegistry;
  readonly #lease: LeaderLease;
  readonly #wakeUps: WakeUps;
  readonly #connection: NatsConnection;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  /** Of workers with a pause or a timetable; undefined until the ledger was read. */
  #orders: ReadonlyMap<string, Orders> | undefined;
  readonly #differing = new Set<string>();

  constructor(
    parts: { registry: WorkerRegistry; lease: LeaderLease; wakeUps: WakeUps },
    connection: NatsConnection,
    ledger: Ledger,
    log: Logger,
  ) {
    this.#registry = parts.registry;
    this.#lease = parts.lease;
    this.#wakeUps = parts.wakeUps;
    this.#connection = connection;
    this.#ledger = ledger;
    this.#log = log;
    this.#loop = new BackgroundLoop({
      name: 'worker orders',
      wakeUp: parts.wakeUps.orders,
      intervalMs: EVERY_MS,
      round: () => this.#round(),
      log,
    });
  }

  start(): void {
    this.#registry.keepFromWork((workerId) => this.isPaused(workerId));
    this.#registry.onHeartbeat(({ worker }) => {
      if (!this.#lease.isLeader() || this.#isToldRight(worker)) return;
      this.#differing.add(worker.heartbeat.workerId);
      this.#wakeUps.orders.wake();
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** What the ledger says of the worker; undefined until it was read. */
  ordersOf(workerId: string): Orders | undefined {
    return this.#orders && (this.#orders.get(workerId) ?? NO_ORDERS);
  }

  /** Whether the ledger keeps the worker from work, as far as is known here. */
  isPaused(workerId: string): boolean {
    return (this.#orders?.get(workerId)?.pause ?? null) !== null;
  }

  /** Tells workers their orders at once, after these were changed in the ledger. */
  async tell(workerIds: readonly string[]): Promise<void> {
    if (workerIds.length === 0) return;
    await this.#refresh();
    for (const id of workerIds) this.#say(id);
    this.#wakeUps.feeder.wake();
  }

  async #round(): Promise<void> {
    if (this.#lease.isLeader()) {
      await this.#takeUntil();
      await this.#endPauses();
    }
    const before = this.#orders;
    await this.#refresh();
    if (this.#lease.isLeader()) this.#differ(before);
    const differing = [...this.#differing];
    this.#differing.clear();
    for (const id of differing) {
      const worker = this.#registry.get(id);
      if (worker !== undefined && !this.#isToldRight(worker)) this.#say(id);
    }
  }

  async #refresh(): Promise<void> {
    const rows = await this.#ledger
      .selectFrom('workers')
      .select(['id', 'pause', 'timetable'])
      .where((where) => where.or([where('pause', 'is not', null), where('timetable', 'is not', null)]))
      .execute();
    this.#orders = new Map(rows.map(({ id, pause, timetable }) => [id, { pause, timetable }]));
  }

  /** Workers whose orders somebody has changed in the ledger are told now, and not with their next heartbeat. */
  #differ(before: ReadonlyMap<string, Orders> | undefined): void {
    if (before === undefined) return;
    for (const id of new Set([...before.keys(), ...(this.#orders?.keys() ?? [])]))
      if (!sameOrders(before.get(id) ?? NO_ORDERS, this.#orders?.get(id) ?? NO_ORDERS))
        this.#differing.add(id);
  }

  /** A worker that is with its owner knows by its own clock until when: its timetable begins again. */
  async #takeUntil(): Promise<void> {
    const known = this.#registry.all().flatMap(({ heartbeat: { workerId, pause } }) => {
      const ordered = this.#orders?.get(workerId)?.pause;
      const told = pause?.by === 'owner' && ordered?.by === 'owner' && ordered.until === null;
      return told && pause.until !== null ? [{ worker: workerId, until: pause.until }] : [];
    });
    if (known.length === 0) return;
    await sql`UPDATE workers w SET pause = w.pause || jsonb_build_object('until', k.until)
      FROM jsonb_to_recordset(${JSON.stringify(known)}::jsonb) AS k(worker text, until text)
      WHERE w.id = k.worker AND w.pause->>'by' = 'owner' AND w.pause->>'until' IS NULL`.execute(this.#ledger);
  }

  /** Pauses that were for a time end with it. */
  async #endPauses(): Promise<void> {
    const over = [...(this.#orders ?? [])].filter(
      ([, { pause }]) => pause !== null && pause.until !== null && Date.parse(pause.until) <= Date.now(),
    );
    if (over.length === 0) return;
    const ids = over.map(([id]) => id);
    const { rows } = await sql<{ subject: string }>`
      WITH ended AS (
        UPDATE workers SET pause = NULL WHERE id = ANY(${ids}) AND (pause->>'until')::timestamptz <= clock_timestamp() RETURNING id
      )
      INSERT INTO farm_events (verb, subject, actor, message)
      SELECT 'worker-resume', id, 'farmhand', 'Its pause was until now.' FROM ended RETURNING subject`.execute(
      this.#ledger,
    );
    for (const { subject } of rows) this.#differing.add(subject);
    this.#wakeUps.feeder.wake();
  }

  #isToldRight({ heartbeat: { workerId, orders } }: KnownWorker): boolean {
    const ordered = this.ordersOf(workerId);
    return ordered === undefined || sameOrders(orders, ordered);
  }

  #say(workerId: string): void {
    const control: WorkerControl = { type: 'orders', orders: this.#orders?.get(workerId) ?? NO_ORDERS };
    try {
      this.#connection.publish(workerControlSubject(workerId), encodeMessage(control));
    } catch (error) {
      // Its next heartbeat shows that it does not know.
      this.#log.warn({ worker: workerId, error: messageOf(error) }, 'a worker could not be told its orders');
    }
  }
}

function sameOrders(a: Orders, b: Orders): boolean {
  return (
    a.timetable === b.timetable &&
    a.pause?.by === b.pause?.by &&
    a.pause?.reason === b.pause?.reason &&
    (a.pause?.until ?? null) === (b.pause?.until ?? null)
  );
}
