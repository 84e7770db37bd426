import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { WorkerControl } from '../../shared/contracts/messages.ts';
import { workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { everyNth } from '../../shared/domain/preview-plan.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import type { KnownWorker, WorkerRegistry } from '../dispatch/worker-registry.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import { WakeUp } from '../runtime/wake-ups.ts';
import { isDue } from './preview-due.ts';
import { PreviewStore, type WantedPreview } from './preview-store.ts';

const EVERY_MS = 1_000;
/** So long a preview waits for a worker with nothing to do; then one makes it beside its frames, at the lowest priority. */
const IDLE_WAIT_MS = 10_000;

/**
 * Has contact sheets and proxy videos made that somebody looks at. The leader picks a worker for each, an idle one first, and
 * tells it; the worker asks what is wanted, makes it in a process of the lowest priority, and says so. Whatever gets lost on the way is ordered again.
 */
export class PreviewOrders {
  readonly #store: PreviewStore;
  readonly #registry: WorkerRegistry;
  readonly #lease: LeaderLease;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  /** Since when what is due waits for a worker. */
  readonly #waiting = new Map<string, number>();
  /** Workers that were started anew. */
  readonly #restarted = new Set<string>();

  constructor(
    parts: { registry: WorkerRegistry; lease: LeaderLease },
    connection: NatsConnection,
    ledger: Ledger,
    log: Logger,
  ) {
    this.#store = new PreviewStore(ledger);
    this.#registry = parts.registry;
    this.#lease = parts.lease;
    this.#connection = connection;
    this.#log = log;
    parts.registry.onHeartbeat(({ worker, previousInstance }) => {
      if (previousInstance !== undefined) this.#restarted.add(worker.heartbeat.workerId);
    });
    this.#loop = new BackgroundLoop({
      name: 'previews',
      wakeUp: new WakeUp(),
      intervalMs: EVERY_MS,
      round: () => this.#look(),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #look(): Promise<void> {
    if (!this.#lease.isLeader()) return;
    for (const worker of this.#restarted) {
      await this.#store.forget(worker);
      this.#restarted.delete(worker);
    }
    const wanted = await this.#store.wanted();
    const due = wanted.filter((preview) => isDue(this.#standing(preview)));
    const busy = new Set(wanted.filter((preview) => !due.includes(preview)).map(({ worker }) => worker));
    const names = new Set(due.map(nameOf));
    for (const name of this.#waiting.keys()) if (!names.has(name)) this.#waiting.delete(name);
    for (const preview of due) {
      const since = this.#waiting.get(nameOf(preview)) ?? performance.now();
      this.#waiting.set(nameOf(preview), since);
      const worker = this.#pick(preview, busy, performance.now() - since > IDLE_WAIT_MS);
      if (worker === undefined) continue;
      busy.add(worker);
      await this.#order(preview, worker);
    }
  }

  #standing(preview: WantedPreview): Parameters<typeof isDue>[0] {
    const { orderId, worker, secondsSinceOrder: seconds, begun } = preview;
    const order =
      orderId === null || worker === null
        ? null
        : { worker, seconds: seconds ?? 0, begun, workerIsSilent: this.#registry.isSilent(worker) };
    return { ...preview, everyNth: everyNth(preview.kind, preview.frameTotal), order };
  }

  /** The worker with the most free slots; one that has none only when the preview has waited long. */
  #pick(preview: WantedPreview, busy: ReadonlySet<string | null>, evenBusy: boolean): string | undefined {
    const candidates = this.#registry
      .takingWork()
      .filter(({ heartbeat }) => !busy.has(heartbeat.workerId) && canMake(preview, heartbeat))
      .map(({ heartbeat }) => ({ id: heartbeat.workerId, free: freeSlots(heartbeat) }))
      .toSorted((a, b) => b.free - a.free);
    const [best] = candidates;
    return best && (best.free > 0 || evenBusy) ? best.id : undefined;
  }

  async #order(preview: WantedPreview, worker: string): Promise<void> {
    const order = newId('p');
    if (!(await this.#store.order(preview, order, worker))) return;
    this.#waiting.delete(nameOf(preview));
    const control: WorkerControl = { type: 'preview', order };
    this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
    const { jobId, step, kind } = preview;
    this.#log.debug({ jobId, step, kind, worker, order }, 'a preview was ordered');
  }
}

const nameOf = ({ jobId, step, kind }: WantedPreview): string => `${jobId}/${step}/${kind}`;

/** A video needs FFmpeg. */
const canMake = ({ kind }: WantedPreview, { engines }: KnownWorker['heartbeat']): boolean =>
  kind !== 'proxy' || engines.some(({ id }) => id === 'ffmpeg');

const freeSlots = ({ slots, attempts }: KnownWorker['heartbeat']): number =>
  slots - attempts.reduce((sum, attempt) => sum + attempt.slots, 0);
