import type { Msg, NatsConnection, Subscription } from 'nats';
import type { Engines, Worker } from '../../shared/contracts/api.ts';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { heartbeatSchema } from '../../shared/contracts/messages.ts';
import { SUBJECTS, lastToken } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { WorkersHistory } from '../../shared/contracts/worker-api.ts';
import { GaugeHistory } from './gauge-history.ts';
import { viewWorker, type HeardWorker, type LedgerWorker } from './worker-view.ts';

const CHECK_EVERY_MS = 2_000;

type OfferedEngine = Pick<Engines['engines'][number], 'id' | 'versions' | 'workers' | 'slots'>;

/** All workers as they are now: the ledger's list, made fresh by the heartbeats that arrive. */
export class WorkerBoard {
  readonly #nats: NatsConnection;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #heard = new Map<string, HeardWorker>();
  readonly #history = new GaugeHistory();
  #known = new Map<string, LedgerWorker>();
  #shownStates = new Map<string, Worker['state']>();
  #listeningSinceMs = Date.now();
  #onChange: (workers: Worker[]) => void = () => undefined;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(nats: NatsConnection, ledger: Ledger, log: Logger) {
    this.#nats = nats;
    this.#ledger = ledger;
    this.#log = log;
  }

  /** @param onChange gets workers that said something, or whose state changed without a word. */
  start(onChange: (workers: Worker[]) => void): void {
    this.#onChange = onChange;
    this.#listeningSinceMs = Date.now();
    this.#subscription = this.#nats.subscribe(SUBJECTS.statusWorkerAll, {
      callback: (error, message) => {
        if (error) this.#log.error({ error: error.message }, 'heartbeats cannot be heard');
        else this.#hear(message);
      },
    });
    this.#timer = setInterval(() => void this.#check(), CHECK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription?.unsubscribe();
  }

  /** NATS was away: silence until now says nothing about the workers. */
  restartListening(): void {
    this.#listeningSinceMs = Date.now();
  }

  /** By id. @throws when the ledger does not answer. */
  async list(): Promise<Worker[]> {
    await this.#readLedger();
    return this.#view();
  }

  /** Gauges of the last ten minutes, as far as this process heard them: of all workers, or of one. */
  history(only?: string): WorkersHistory {
    return this.#history.tell(Date.now(), only);
  }

  /** What the workers that are here can render with, by engine. */
  async engines(): Promise<OfferedEngine[]> {
    const here = (await this.list()).filter(
      (worker) => worker.state !== 'lost' && worker.state !== 'offline',
    );
    const engines = new Map<string, { versions: Map<string, number>; workers: number; slots: number }>();
    for (const worker of here) {
      for (const id of new Set(worker.engines.map((engine) => engine.id))) {
        const entry = engines.get(id) ?? { versions: new Map<string, number>(), workers: 0, slots: 0 };
        engines.set(id, entry);
        entry.workers++;
        entry.slots += worker.slots;
        for (const { version } of worker.engines.filter((engine) => engine.id === id))
          entry.versions.set(version, (entry.versions.get(version) ?? 0) + 1);
      }
    }
    return [...engines].sort(byId).map(([id, { versions, workers, slots }]) => ({
      id,
      versions: [...versions].sort(byId).map(([version, count]) => ({ version, workers: count })),
      workers,
      slots,
    }));
  }

  #hear(message: Msg): void {
    try {
      const heartbeat = decodeMessage(heartbeatSchema, message.data, 'A heartbeat');
      if (heartbeat.workerId !== lastToken(message.subject))
        throw new Error('it names another worker than its subject');
      this.#heard.set(heartbeat.workerId, { heartbeat, heardAtMs: Date.now() });
      this.#history.add(heartbeat, Date.now());
      this.#tell(this.#view(heartbeat.workerId));
    } catch (error) {
      this.#log.warn({ subject: message.subject, error: messageOf(error) }, 'an unreadable heartbeat');
    }
  }

  /** Workers that fell silent or that the ledger gave up say nothing: somebody has to look. */
  async #check(): Promise<void> {
    try {
      await this.#readLedger();
      this.#tell(this.#view().filter((worker) => this.#shownStates.get(worker.id) !== worker.state));
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'the ledger did not tell its workers; trying again');
    }
  }

  #tell(workers: Worker[]): void {
    for (const worker of workers) this.#shownStates.set(worker.id, worker.state);
    if (workers.length > 0) this.#onChange(workers);
  }

  #view(only?: string): Worker[] {
    const ids = only === undefined ? new Set([...this.#known.keys(), ...this.#heard.keys()]) : [only];
    const now = Date.now();
    return [...ids]
      .sort()
      .map((id) => viewWorker(this.#known.get(id), this.#heard.get(id), now, this.#listeningSinceMs))
      .filter((worker) => worker !== undefined);
  }

  async #readLedger(): Promise<void> {
    const rows = await this.#ledger
      .selectFrom('workers')
      .select(['id', 'state', 'heartbeat', 'seen_at'])
      .execute();
    this.#known = new Map(
      rows.map((row) => [row.id, { state: row.state, heartbeat: row.heartbeat, seenAt: row.seen_at }]),
    );
  }
}

function byId<T>([a]: [string, T], [b]: [string, T]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
