import { sceneMark } from '../../shared/domain/asset-mark.ts';
import { rootReference } from '../../shared/domain/root-paths.ts';
import { isOnRoot } from '../roots/task-storage.ts';
import type { SceneRef } from '../../shared/contracts/messages.ts';
import type { FrameRequest, RenderedFrame } from '../engines/engine.ts';
import { hostKey, sessionKey, type OpenedSession, type SessionRequest } from './open-session.ts';

/** As long as a heartbeat may say it. */
const MAX_NAME = 160;

/** A session while one task uses it. */
export class SessionLease {
  readonly #opened: OpenedSession;
  readonly #end: AbortController;
  /** Whether it was warm: another task used it before. */
  reused = false;
  frames = 0;
  baselineBytes: number | undefined;
  lastUsedMs = performance.now();
  /** What it is loaded with now. */
  key: string;
  readonly hostKey: string;
  readonly name: string;
  /** The mark by which dispatch finds its scene; null without a scene. */
  readonly asset: string | null;
  /** Where the engine's lines go: to whoever uses the session. */
  sink: { log: (line: string) => void };

  constructor(
    opened: OpenedSession,
    end: AbortController,
    request: SessionRequest,
    sink: { log: (line: string) => void },
  ) {
    const { scene } = request.task;
    this.#opened = opened;
    this.#end = end;
    this.key = sessionKey(request);
    this.hostKey = hostKey(request);
    this.name = `${request.engine.id}:${scene ? nameOf(scene) : ''}`.slice(0, MAX_NAME);
    this.asset = scene ? sceneMark(scene) : null;
    this.sink = sink;
  }

  /** Whether {@link reload} may be called. */
  get canReload(): boolean {
    return this.#opened.reload !== undefined;
  }

  /** Loads its scene with what another task wants. It is of no use any more when that fails. @throws EngineFailure */
  async reload(request: SessionRequest): Promise<void> {
    await this.#opened.reload?.(request);
    this.key = sessionKey(request);
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

const nameOf = (scene: SceneRef): string => (isOnRoot(scene) ? rootReference(scene) : scene.asset);
