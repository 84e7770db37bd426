import { EngineFailure } from '../engines/engine.ts';
import type { FileCache } from '../assets/file-cache.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { hostKey, sceneKey, sessionKey, type SessionLimits, type SessionRequest } from './open-session.ts';
import { killedBy, openLease } from './open-lease.ts';
import type { SessionLease } from './session-lease.ts';
import { SpareEngines, type SpareEngine } from './spare-engines.ts';
import { CrashRecord, mustRecycle, sessionsToClose } from './session-policy.ts';
import type { WorkerMetrics } from '../telemetry/worker-metrics.ts';

const TIDY_EVERY_MS = 30_000;

export interface SessionPoolOptions extends SessionLimits {
  slots: number;
  maxSessions: number;
  /** Memory of all sessions together, above which idle ones are closed. */
  maxBytes: number;
}

/** The last few scenes stay loaded, so that the next task of any of them starts at once. */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #cache: FileCache;
  readonly #metrics: WorkerMetrics;
  readonly #log: Logger;
  readonly #idle = new Set<SessionLease>();
  readonly #busy = new Set<SessionLease>();
  readonly #closing = new Set<Promise<void>>();
  readonly #crashes = new CrashRecord();
  readonly #hits = { warm: 0, cold: 0 };
  readonly #spares: SpareEngines;
  /** Sessions that are being opened. */
  #opening = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SessionPoolOptions, cache: FileCache, metrics: WorkerMetrics, log: Logger) {
    this.#options = options;
    this.#cache = cache;
    this.#metrics = metrics;
    this.#log = log;
    const { folder, slots } = options;
    this.#spares = new SpareEngines({ folder, slots, room: () => this.#roomBytes() }, log);
  }

  start(): void {
    this.#timer = setInterval(() => this.#tidy(), TIDY_EVERY_MS);
    this.#timer.unref();
  }

  /** Names of the scenes that are loaded and free: `<engine>:<asset>`. */
  warmNames(): string[] {
    return [...new Set([...this.#idle].map((lease) => lease.name))];
  }

  /** First digits of the assets whose scenes are loaded, in use or not. */
  warmAssets(): string[] {
    const leases = [...this.#idle, ...this.#busy];
    return [...new Set(leases.flatMap(({ asset }) => (asset === null ? [] : [asset])))];
  }

  /** Tasks that found their scene loaded, and that did not. */
  get hits(): { warm: number; cold: number } {
    return { ...this.#hits };
  }

  /** Ends what nobody uses: whoever owns the machine wants its memory back. */
  async closeIdle(): Promise<void> {
    await Promise.all([this.#spares.close(), ...[...this.#idle].map((lease) => this.#close(lease))]);
  }

  #count(result: 'warm' | 'ready' | 'cold'): void {
    this.#metrics.sessionUsed(result);
    this.#hits[result === 'warm' ? 'warm' : 'cold']++;
  }

  /**
   * A session for a task: a warm one when there is one, unless `fresh` asks for a new one.
   * @throws EngineFailure; the signal's reason
   */
  async acquire(
    request: SessionRequest,
    log: (line: string) => void,
    signal: AbortSignal,
    options: { fresh?: boolean } = {},
  ): Promise<SessionLease> {
    this.#spares.pause();
    const exact = options.fresh ? undefined : this.#idleOf(sessionKey(request), 'key').at(-1);
    if (exact) {
      this.#count('warm');
      return this.#use(exact, log);
    }
    const other = options.fresh
      ? undefined
      : this.#idleOf(hostKey(request), 'hostKey').find((each) => each.canReload);
    this.#opening++;
    try {
      const reloaded = other && (await this.#reload(this.#use(other, log), request, signal));
      const lease = reloaded ?? (await this.#open(request, log, signal));
      this.#busy.add(lease);
      this.#tidy();
      return lease;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      this.#opening--;
    }
  }

  #use(lease: SessionLease, log: (line: string) => void): SessionLease {
    this.#idle.delete(lease);
    this.#busy.add(lease);
    lease.reused = true;
    lease.sink.log = log;
    return lease;
  }

  /** @returns null where the process went instead, which is not this task's fault */
  async #reload(
    lease: SessionLease,
    request: SessionRequest,
    signal: AbortSignal,
  ): Promise<SessionLease | null> {
    try {
      await killedBy(signal, lease, () => lease.reload(request));
      this.#count('warm');
      return lease;
    } catch (error) {
      await this.#close(lease);
      if (!isCrash(error) || signal.aborted) throw error;
      return null;
    }
  }

  async #open(
    request: SessionRequest,
    log: (line: string) => void,
    signal: AbortSignal,
  ): Promise<SessionLease> {
    const spare = this.#spares.take(request);
    if (request.engine.reusable) this.#count(spare ? 'ready' : 'cold');
    const open = (from?: SpareEngine): Promise<SessionLease> =>
      openLease(request, { limits: this.#options, cache: this.#cache, log, signal, spare: from });
    try {
      return await open(spare);
    } catch (error) {
      // An engine that was started beforehand may have gone bad since: that is not this scene's fault.
      if (!spare || !isCrash(error) || signal.aborted) throw error;
      log('[farmhand] The engine that stood ready did not load the scene; another one is started.');
      return open();
    }
  }

  /** Whether a session may serve another frame; if not, it is to be released and another one acquired. */
  isSpent(lease: SessionLease, request: SessionRequest): boolean {
    return mustRecycle(lease) || this.isCold(request);
  }

  /** After two crashes on a scene every frame gets an engine process of its own. */
  isCold(request: SessionRequest): boolean {
    return this.#crashes.isCold(sceneKey(request));
  }

  recordCrash(request: SessionRequest): void {
    this.#crashes.add(sceneKey(request));
  }

  /** Gives a session back: it stays warm, or is closed when it cannot be used again. Resolves when that is done. */
  async release(lease: SessionLease, request: SessionRequest, usable: boolean): Promise<void> {
    this.#busy.delete(lease);
    lease.sink.log = () => undefined; // what an idle engine prints belongs to no task
    if (!usable || !request.engine.reusable || this.isSpent(lease, request)) {
      await this.#close(lease);
      return;
    }
    lease.lastUsedMs = performance.now();
    this.#idle.add(lease);
    this.#tidy();
    if (this.#busy.size === 0 && this.#opening === 0) this.#spares.keepFor(request);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const lease of [...this.#idle, ...this.#busy]) void this.#close(lease);
    await Promise.all([this.#spares.close(), ...this.#closing]);
  }

  /** Idle sessions with a key, the least recently used first. */
  #idleOf(key: string, which: 'key' | 'hostKey'): SessionLease[] {
    return [...this.#idle]
      .filter((lease) => lease[which] === key)
      .sort((a, b) => a.lastUsedMs - b.lastUsedMs);
  }

  #roomBytes(): number {
    const leases = [...this.#idle, ...this.#busy];
    const used = leases.reduce((sum, lease) => sum + lease.memoryBytes, this.#spares.memoryBytes);
    return this.#options.maxBytes - used;
  }

  #tidy(): void {
    this.#spares.tidy();
    const busyBytes = [...this.#busy].reduce((sum, lease) => sum + lease.memoryBytes, 0);
    const { maxSessions, maxBytes } = this.#options;
    const budget = { busy: this.#busy.size, busyBytes, maxSessions, maxBytes };
    for (const lease of sessionsToClose([...this.#idle], budget, performance.now())) void this.#close(lease);
  }

  #close(lease: SessionLease): Promise<void> {
    this.#idle.delete(lease);
    this.#busy.delete(lease);
    const closing = lease
      .close()
      .catch((error: unknown) => {
        this.#log.error({ session: lease.name, reason: messageOf(error) }, 'a session did not close cleanly');
      })
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }
}

const isCrash = (error: unknown): boolean =>
  error instanceof EngineFailure && error.failure === 'engine-crash';
