import { mkdir } from 'node:fs/promises';
import type { NatsConnection } from 'nats';
import type { Logger } from '../shared/logging/logger.ts';
import type { FileCache } from './assets/file-cache.ts';
import type { EngineRegistry } from './engines/engine-registry.ts';
import type { PushedEngines } from './engines/pushed-engines.ts';
import type { AttemptRegistry } from './execution/attempt-registry.ts';
import { FarmControl } from './execution/farm-control.ts';
import { LanePuller } from './execution/lane-puller.ts';
import type { Readoption } from './execution/readoption.ts';
import { pause } from '../shared/lifecycle/retry.ts';
import type { TaskIntake } from './execution/task-intake.ts';
import type { DiskWatch } from './reporting/disk-watch.ts';
import type { FarmLink } from './reporting/farm-link.ts';
import { HeartbeatLoop, type WorkerSnapshot } from './reporting/heartbeat.ts';
import type { Problems } from './reporting/problems.ts';
import type { StatusOutbox } from './reporting/status-outbox.ts';
import type { SessionPool } from './sessions/session-pool.ts';
import type { WorkerSettings } from './settings.ts';
import type { WorkerPause } from '../shared/contracts/messages.ts';
import { Availability } from './availability/availability.ts';
import { Hand } from './execution/hand.ts';
import type { Prefetcher } from './execution/prefetcher.ts';
import { GiveBack } from './execution/give-back.ts';
import type { TaskAcks } from './execution/task-acks.ts';
import type { PreviewMaker } from './previews/preview-maker.ts';
import type { TaskRunner } from './execution/task-runner.ts';
import type { Gpu } from './hardware/gpus.ts';
import type { StorageRoots } from './roots/storage-roots.ts';

const DETECT_EVERY_MS = 300_000;
/** For the last reports, after the drain. */
const FLUSH_MS = 5_000;
const STOP_MS = 5_000;
/** Whoever wants the machine back has it within ten seconds: so long may finished frames be on their way to the storage. */
const GIVE_BACK_MS = 7_000;
/** A task whose last frame is done sooner than this is about to free its slots: its successor may be fetched. */
const AHEAD_SECONDS = 5;

export interface WorkerParts {
  settings: WorkerSettings;
  log: Logger;
  nats: NatsConnection;
  link: FarmLink;
  engines: EngineRegistry;
  /** null: it keeps to the definitions that it came with. */
  pushed: PushedEngines | null;
  cache: FileCache;
  pool: SessionPool;
  registry: AttemptRegistry;
  intake: TaskIntake;
  outbox: StatusOutbox;
  readoption: Readoption;
  problems: Problems;
  disk: DiskWatch;
  runner: TaskRunner;
  prefetcher: Prefetcher;
  acks: TaskAcks;
  previews: PreviewMaker;
  gpus: readonly Gpu[];
  roots: StorageRoots;
}

/** One worker process: says what it has, pulls tasks for its free slots, and ends in order. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #puller: LanePuller;
  readonly #hand: Hand;
  readonly #availability: Availability;
  #onDrained: () => void = () => undefined;
  readonly #heartbeat: HeartbeatLoop;
  #detecting: NodeJS.Timeout | undefined;
  #state: 'running' | 'draining' | 'stopping' = 'running';

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { settings, registry, link, log, nats, intake, disk } = parts;
    const back = new GiveBack(parts.outbox, settings, parts.acks);
    this.#hand = new Hand({
      slots: settings.slots,
      gpus: parts.gpus.length,
      registry,
      acks: parts.acks,
      prepare: (delivery) => intake.prepare(delivery),
      prefetch: (attempt) => parts.prefetcher.fetch(attempt),
      run: (attempt) => parts.runner.run(attempt),
      giveBack: (attempt, reason) => back.attempt(attempt, reason),
      onFree: () => this.#puller.look(),
    });
    this.#puller = new LanePuller({
      connection: nats,
      freeSlots: () => this.#hand.freeSlots,
      aheadSlots: () => this.#aheadSlots(),
      // Twice the slots: so many may still be on their way to the storage while others render.
      isBlocked: () => registry.size > settings.slots * 2 || !disk.hasRoom,
      take: (delivery) => this.#hand.take(delivery),
      refuse: (delivery, reason) => this.#hand.refuse(delivery, reason),
      log,
    });
    this.#availability = new Availability(settings.timetable, (pause) => this.#onPause(pause), log);
    this.#heartbeat = new HeartbeatLoop({
      ...settings,
      gpus: [...parts.gpus],
      publish: (subject, body) => link.publishLive(subject, body),
      snapshot: () => this.#snapshot(),
    });
  }

  async start(): Promise<void> {
    const { settings, engines, cache, pool, registry, problems, link, nats, log } = this.#parts;
    await mkdir(settings.attemptsFolder, { recursive: true, mode: 0o700 });
    await mkdir(settings.sessionsFolder, { recursive: true, mode: 0o700 });
    await Promise.all([
      engines.detect(),
      cache.load(),
      this.#parts.disk.start(),
      this.#parts.pushed?.start(() => this.#heartbeat.touch()),
      this.#parts.roots.start(() => this.#heartbeat.touch()),
    ]);
    pool.start();
    link.start();
    link.onReconnect(() => this.#onReconnect());
    registry.onChange(() => {
      this.#heartbeat.touch();
      this.#puller.look();
    });
    problems.onChange(() => this.#heartbeat.touch());
    new FarmControl({
      connection: nats,
      workerId: settings.workerId,
      registry,
      onLanes: (lanes) => {
        if (this.#state === 'running' && this.#puller.setLanes(lanes)) this.#heartbeat.touch();
      },
      onDrain: () => this.drain(),
      onOrders: (orders) => {
        this.#availability.follow(orders);
        this.#heartbeat.touch();
      },
      onRoots: () => void this.#parts.roots.askAnew(),
      onPreview: (order) => {
        if (this.#state === 'running') this.#parts.previews.take(order);
      },
      onGiveBack: () => void this.#giveBack('its owner wants the machine'),
      giveBackWaiting: (ids, reason) => this.#hand.giveBack(({ id }) => ids.has(id), reason),
      log,
    }).start();
    // The farm answers the first heartbeat with lanes; it must find this worker listening.
    await nats.flush();
    this.#hand.start();
    this.#puller.start();
    this.#availability.start();
    this.#heartbeat.start();
    this.#detecting = setInterval(() => void this.detectAgain(), DETECT_EVERY_MS);
    this.#detecting.unref();
    const { workerId, instance, slots } = settings;
    log.info({ workerId, instance, slots, engines: engines.list() }, 'the worker is ready');
  }

  /** Programs may have been installed or removed. */
  async detectAgain(): Promise<void> {
    if (await this.#parts.engines.detect()) {
      this.#parts.log.info({ engines: this.#parts.engines.list() }, 'the engines of this machine changed');
      this.#heartbeat.touch();
    }
  }

  /** Called when a drained worker has nothing left. */
  onDrained(listener: () => void): void {
    this.#onDrained = listener;
  }

  /** Finishes what it has and takes nothing more. */
  drain(): void {
    if (this.#state !== 'running') return;
    this.#state = 'draining';
    const stopped = this.#puller.stop();
    this.#hand.stop('the worker drains');
    this.#heartbeat.touch();
    this.#parts.log.info('draining: no further tasks');
    void stopped.then(() => this.#parts.registry.untilAtMost(0)).then(() => this.#onDrained());
  }

  #onPause(pause: WorkerPause | null): void {
    this.#puller.setOpen(pause === null);
    if (pause) this.#hand.giveBack(() => true, pause.reason);
    // A person who pauses a worker lets it finish; its owner, and the end of its hours, do not wait.
    if (pause?.by === 'owner' || pause?.by === 'timetable') void this.#giveBack(pause.reason);
    this.#heartbeat.touch();
  }

  /** Engines end now; what is rendered is still stored if that is quick; the rest goes back without fault. */
  async #giveBack(reason: string): Promise<void> {
    const { registry, pool, previews } = this.#parts;
    previews.interrupt(reason);
    this.#hand.giveBack(() => true, reason);
    for (const attempt of registry.all()) attempt.interrupt(reason);
    await pool.closeIdle();
    await this.#untilEmpty(GIVE_BACK_MS);
    if (this.#availability.pause === null) return;
    for (const attempt of registry.all()) attempt.stop(reason);
    await pool.closeIdle();
  }

  /** Tasks with scenes that are about to end, each of one slot; none while something waits in hand already. */
  #aheadSlots(): number {
    const { registry } = this.#parts;
    if (this.#hand.waiting > 0) return 0;
    const now = performance.now();
    return registry.all().reduce((sum, attempt) => {
      const ends = (attempt.secondsLeft(now) ?? Infinity) < AHEAD_SECONDS;
      return ends && attempt.task.scene !== null && attempt.task.slots === 1 ? sum + 1 : sum;
    }, 0);
  }

  /** Gives the frames under way their time, hands the rest back, and leaves nothing behind. */
  async stop(): Promise<void> {
    const { settings, registry, outbox, pool, readoption, log } = this.#parts;
    this.#state = 'stopping';
    clearInterval(this.#detecting);
    const stopped = this.#puller.stop();
    this.#hand.stop('the worker ends');
    this.#availability.stop();
    this.#heartbeat.beat();
    await Promise.all([stopped, this.#parts.previews.stop()]);
    for (const attempt of registry.all()) attempt.release('the worker ends');
    await this.#untilEmpty(settings.drainSeconds * 1_000);
    for (const attempt of registry.all()) attempt.stop('the worker ends');
    await this.#untilEmpty(STOP_MS);
    readoption.stop();
    this.#parts.pushed?.stop();
    this.#parts.roots.stop();
    if (!(await outbox.flush(FLUSH_MS)))
      log.warn({ pending: outbox.pending }, 'the farm did not take the last reports');
    await pool.close();
    this.#parts.disk.stop();
    this.#heartbeat.beat();
    this.#heartbeat.stop();
  }

  async #untilEmpty(timeoutMs: number): Promise<void> {
    const end = new AbortController();
    await Promise.race([this.#parts.registry.untilAtMost(0), pause(timeoutMs, end.signal)]);
    end.abort();
  }

  #onReconnect(): void {
    this.#heartbeat.beat();
    this.#puller.askAnew();
    this.#parts.outbox.retryNow();
    this.#parts.readoption.start();
    void this.#parts.pushed?.readAll();
    void this.#parts.roots.askAnew();
  }

  #snapshot(): WorkerSnapshot {
    const { engines, registry, pool, cache, problems, roots } = this.#parts;
    const now = performance.now();
    const attempts = registry.all().map((attempt) => attempt.toHeartbeat(now));
    const { pause, orders } = this.#availability;
    const working = attempts.length > 0 ? 'busy' : 'idle';
    const running = pause === null ? working : 'paused';
    return {
      state: this.#state === 'running' ? running : this.#state,
      pause,
      orders,
      warmAssets: pool.warmAssets(),
      cachedAssets: cache.cachedAssets(),
      hits: pool.hits,
      engines: engines.list(),
      roots: roots.names(),
      lanes: this.#puller.lanes,
      attempts,
      warmSessions: pool.warmNames(),
      cacheBytes: cache.bytes,
      problems: problems.list(),
    };
  }
}
