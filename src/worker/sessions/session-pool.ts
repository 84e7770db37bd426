import type { FrameRequest, RenderedFrame } from '../engines/engine.ts';
import type { FileCache } from '../assets/file-cache.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import {
  openSession,
  sceneKey,
  sessionKey,
  type OpenedSession,
  type SessionLimits,
  type SessionRequest,
} from './open-session.ts';
import { CrashRecord, mustRecycle, sessionsToClose } from './session-policy.ts';
import type { WorkerMetrics } from '../telemetry/worker-metrics.ts';
import { assetMark } from '../../shared/domain/asset-mark.ts';

const TIDY_EVERY_MS = 30_000;

export interface SessionPoolOptions extends SessionLimits {
  maxSessions: number;
  /** Memory of all sessions together, above which idle ones are closed. */
  maxBytes: number;
}

/** A session while one task uses it. */
export class SessionLease {
  readonly #opened: OpenedSession;
  readonly #end: AbortController;
  /** Whether it was warm: another task used it before. */
  reused = false;
  frames = 0;
  baselineBytes: number | undefined;
  lastUsedMs = performance.now();
  readonly key: string;
  readonly name: string;
  /** First digits of its scene's asset; null without a scene. */
  readonly asset: string | null;
  /** Where the engine's lines go: to whoever uses the session. */
  sink: { log: (line: string) => void };

  constructor(
    opened: OpenedSession,
    end: AbortController,
    key: string,
    name: string,
    asset: string | null,
    sink: { log: (line: string) => void },
  ) {
    this.#opened = opened;
    this.#end = end;
    this.key = key;
    this.name = name;
    this.asset = asset;
    this.sink = sink;
  }

  get memoryBytes(): number {
    return this.#opened.session.memoryBytes();
  }

  async render(request: Omit<FrameRequest, 'files'>): Promise<RenderedFrame> {
    const rendered = await this.#opened.session.render({ ...request, files: this.#opened.files });
    this.frames++;
    this.baselineBytes ??= this.memoryBytes;
    return rendered;
  }

  /** Ends its processes at once, whatever they do. */
  kill(): void {
    this.#end.abort();
  }

  close(): Promise<void> {
    return this.#opened.close();
  }
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
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SessionPoolOptions, cache: FileCache, metrics: WorkerMetrics, log: Logger) {
    this.#options = options;
    this.#cache = cache;
    this.#metrics = metrics;
    this.#log = log;
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
    await Promise.all([...this.#idle].map((lease) => this.#close(lease)));
  }

  #count(warm: boolean): void {
    this.#metrics.sessionUsed(warm ? 'warm' : 'cold');
    this.#hits[warm ? 'warm' : 'cold']++;
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
    const key = sessionKey(request);
    const warm = options.fresh ? undefined : this.#newestIdle(key);
    if (request.engine.reusable) this.#count(warm !== undefined);
    if (warm) {
      this.#idle.delete(warm);
      warm.reused = true;
      warm.sink.log = log;
      this.#busy.add(warm);
      return warm;
    }
    const end = new AbortController();
    const onAbort = (): void => end.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const sink = { log };
      const opened = await openSession(
        request,
        this.#options,
        this.#cache,
        (line) => sink.log(line),
        end.signal,
      );
      const name = `${request.engine.id}:${request.task.scene?.asset ?? ''}`;
      const { scene } = request.task;
      const asset = scene ? assetMark(scene.asset) : null;
      const lease = new SessionLease(opened, end, key, name, asset, sink);
      this.#busy.add(lease);
      this.#tidy();
      return lease;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
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
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const lease of [...this.#idle, ...this.#busy]) void this.#close(lease);
    await Promise.all(this.#closing);
  }

  #newestIdle(key: string): SessionLease | undefined {
    return [...this.#idle]
      .filter((lease) => lease.key === key)
      .sort((a, b) => b.lastUsedMs - a.lastUsedMs)
      .at(0);
  }

  #tidy(): void {
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
