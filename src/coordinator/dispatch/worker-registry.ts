import type { NatsConnection, Subscription } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { heartbeatSchema, type Heartbeat } from '../../shared/contracts/messages.ts';
import { SUBJECTS, lastToken } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { workerGroup } from '../../shared/domain/worker-groups.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { OutageClock } from '../recovery/outage-clock.ts';
import { assetSets, type AssetSets } from './worker-facts.ts';

/** Without a heartbeat for this long a worker gets no new work. Heartbeats come every 2 s. */
export const SILENT_AFTER_MS = 6_000;
/** A worker that was silent and is back first says what it still holds; only then does it get new work. */
const RETURN_PAUSE_MS = 1_500;
const FORGET_AFTER_MS = 3_600_000;

export interface KnownWorker {
  heartbeat: Heartbeat;
  group: string;
  assets: AssetSets;
  /** By the outage clock. */
  seenAt: number;
  /** No new work before this, by the outage clock. */
  pausedUntil: number;
  /** Something but the load changed since the ledger was last told. */
  changed: boolean;
}

export interface RegistryEvent {
  worker: KnownWorker;
  /** The instance before, when the worker's process is a new one. */
  previousInstance: string | undefined;
  /** Slots, engines, lanes or state differ from the last heartbeat, or the worker is new or back. */
  changed: boolean;
}

/** What workers say of themselves, heard by every coordinator. */
export class WorkerRegistry {
  readonly #connection: NatsConnection;
  readonly #clock: OutageClock;
  readonly #log: Logger;
  readonly #workers = new Map<string, KnownWorker>();
  readonly #listeners: ((event: RegistryEvent) => void)[] = [];
  #subscription: Subscription | undefined;
  #isPaused: (workerId: string) => boolean = () => false;

  constructor(connection: NatsConnection, clock: OutageClock, log: Logger) {
    this.#connection = connection;
    this.#clock = clock;
    this.#log = log;
  }

  onHeartbeat(listener: (event: RegistryEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Workers that the ledger keeps from work get none, even before they have heard of it. */
  keepFromWork(isPaused: (workerId: string) => boolean): void {
    this.#isPaused = isPaused;
  }

  start(): void {
    this.#subscription = this.#connection.subscribe(SUBJECTS.statusWorkerAll, {
      callback: (error, message) => {
        if (error) this.#log.error({ error: error.message }, 'heartbeats cannot be received');
        else this.#receive(message.subject, message.data);
      },
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.drain();
  }

  get(workerId: string): KnownWorker | undefined {
    return this.#workers.get(workerId);
  }

  all(): KnownWorker[] {
    return [...this.#workers.values()];
  }

  /** Workers that may be given work: heard of lately, not leaving, not paused, and not just back from a silence. */
  takingWork(): KnownWorker[] {
    return this.all().filter((worker) => this.takesWork(worker));
  }

  takesWork(worker: KnownWorker): boolean {
    const now = this.#clock.now();
    const { state, workerId } = worker.heartbeat;
    return (
      now - worker.seenAt < SILENT_AFTER_MS &&
      now >= worker.pausedUntil &&
      (state === 'idle' || state === 'busy') &&
      !this.#isPaused(workerId)
    );
  }

  isSilent(workerId: string): boolean {
    const worker = this.#workers.get(workerId);
    return !worker || this.#clock.now() - worker.seenAt >= SILENT_AFTER_MS;
  }

  /** The attempt as its worker last reported it, if that worker is heard of. */
  heldAttempt(workerId: string, attempt: string): Heartbeat['attempts'][number] | undefined {
    if (this.isSilent(workerId)) return undefined;
    return this.#workers.get(workerId)?.heartbeat.attempts.find((held) => held.attempt === attempt);
  }

  /** Tasks in the hands of workers that are heard of. */
  heldTasks(): Set<string> {
    const held = new Set<string>();
    for (const worker of this.all())
      if (!this.isSilent(worker.heartbeat.workerId))
        for (const attempt of worker.heartbeat.attempts) held.add(attempt.taskId);
    return held;
  }

  #receive(subject: string, data: Uint8Array): void {
    let heartbeat: Heartbeat;
    try {
      heartbeat = decodeMessage(heartbeatSchema, data, 'The heartbeat');
      if (heartbeat.workerId !== lastToken(subject))
        throw new FarmError('invalid', `Worker ${heartbeat.workerId} speaks under another worker's subject.`);
    } catch (error) {
      this.#log.warn({ subject, error: messageOf(error) }, 'a heartbeat was refused');
      return;
    }
    this.#accept(heartbeat);
  }

  #accept(heartbeat: Heartbeat): void {
    const now = this.#clock.now();
    const before = this.#workers.get(heartbeat.workerId);
    const wasSilent = before !== undefined && now - before.seenAt >= SILENT_AFTER_MS;
    const sameInstance = before?.heartbeat.instance === heartbeat.instance;
    const changed = !sameInstance || wasSilent || differs(before.heartbeat, heartbeat);
    const worker: KnownWorker = {
      heartbeat,
      group: sameInstance && !changed ? before.group : workerGroup(heartbeat),
      assets: assetSets(heartbeat, before?.assets),
      seenAt: now,
      pausedUntil: wasSilent && sameInstance ? now + RETURN_PAUSE_MS : (before?.pausedUntil ?? 0),
      changed: changed || before.changed,
    };
    this.#workers.set(heartbeat.workerId, worker);
    const previousInstance = before && !sameInstance ? before.heartbeat.instance : undefined;
    for (const listener of this.#listeners) listener({ worker, previousInstance, changed });
    this.#forgetOld(now);
  }

  #forgetOld(now: number): void {
    for (const [id, worker] of this.#workers)
      if (now - worker.seenAt > FORGET_AFTER_MS) this.#workers.delete(id);
  }
}

function differs(a: Heartbeat, b: Heartbeat): boolean {
  return (
    a.slots !== b.slots ||
    a.state !== b.state ||
    a.cores !== b.cores ||
    a.memoryBytes !== b.memoryBytes ||
    a.site !== b.site ||
    JSON.stringify(listsOf(a)) !== JSON.stringify(listsOf(b))
  );
}

const listsOf = ({ engines, lanes, problems, gpus, tags, roots }: Heartbeat): unknown[] => [
  engines,
  lanes,
  problems,
  gpus,
  tags,
  roots,
];
