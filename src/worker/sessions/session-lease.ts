import type { FrameRequest, RenderedFrame } from '../engines/engine.ts';
import type { OpenedSession } from './open-session.ts';

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
