import { messageOf } from '../../shared/domain/errors.ts';
import { spawnEngine, type EngineExit, type EngineProcess } from '../execution/engine-process.ts';
import {
  EngineFailure,
  type EngineSession,
  type FrameRequest,
  type RenderedFrame,
  type SessionSpec,
} from './engine.ts';
import { sessionReplySchema, type SessionReply } from './session-protocol.ts';

export interface WarmSessionOptions {
  /** How messages call the engine. */
  label: string;
  spec: SessionSpec;
  argv: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
  cwd: string;
  /** Fields of the `load` request. */
  load: Record<string, unknown>;
  /** Fields of a `render` request beside id, frame and outDir. */
  render?: (request: FrameRequest) => Record<string, unknown>;
  /** The engine's own error line among its last lines, to say why it ended. */
  reason?: (lastLines: readonly string[]) => string | undefined;
  /** A line that the engine printed meanwhile, for progress. */
  onLine?: (line: string, request: FrameRequest | null) => void;
  /** How long it gets to end by itself when it is stopped. */
  graceMs: number;
}

interface Waiting {
  /** null while the scene is loaded. */
  id: number | null;
  request: FrameRequest | null;
  resolve: (reply: SessionReply) => void;
}

/** A session in a process that speaks the protocol of session-protocol.ts. */
export class WarmSession implements EngineSession {
  readonly #options: WarmSessionOptions;
  readonly #process: EngineProcess;
  readonly #loadWarnings: string[] = [];
  #waiting: Waiting | null = null;
  #frames = 0;

  /** Starts the process and loads the scene. @throws EngineFailure */
  static async open(options: WarmSessionOptions): Promise<WarmSession> {
    const session = new WarmSession(options);
    try {
      await session.#load();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  private constructor(options: WarmSessionOptions) {
    this.#options = options;
    const { spec } = options;
    this.#process = spawnEngine({
      argv: options.argv,
      cwd: options.cwd,
      workDir: spec.workDir,
      ...(options.env ? { env: options.env } : {}),
      stdin: 'pipe',
      memoryLimitBytes: spec.memoryLimitBytes,
      startTimeoutSeconds: spec.timeouts.startSeconds,
      silenceSeconds: spec.timeouts.silenceSeconds,
      log: spec.log,
      onStdout: (line) => options.onLine?.(line, this.#waiting?.request ?? null),
      onStderr: (line) => options.onLine?.(line, this.#waiting?.request ?? null),
      replies: [(line) => this.#take(line)],
      signal: spec.signal,
    });
  }

  async render(request: FrameRequest): Promise<RenderedFrame> {
    const stop = (): void => void this.#process.stop({ graceMs: this.#options.graceMs });
    const { signal } = request;
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      return await this.#render(request);
    } catch (error) {
      throw signal.aborted ? stopped(error) : error;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#process.endWork();
    }
  }

  async close(): Promise<void> {
    await this.#process.stop({ graceMs: 0 });
  }

  memoryBytes(): number {
    return this.#process.memoryBytes;
  }

  async #load(): Promise<void> {
    const ready = await this.#ask(null, null);
    if (ready.type !== 'ready') throw unexpected(ready);
    const answer = this.#ask(null, null);
    this.#send({ type: 'load', ...this.#options.load });
    const loaded = await answer;
    if (loaded.type !== 'loaded') throw unexpected(loaded);
    this.#loadWarnings.push(...loaded.warnings);
    this.#process.started();
  }

  async #render(request: FrameRequest): Promise<RenderedFrame> {
    const id = ++this.#frames;
    this.#process.resetPeak();
    this.#process.beginWork({ frameSeconds: this.#options.spec.timeouts.frameSeconds });
    const answer = this.#ask(id, request);
    const more = this.#options.render?.(request) ?? {};
    this.#send({ type: 'render', id, frame: request.frame, outDir: request.outDir, ...more });
    const done = await answer;
    if (done.type !== 'done') throw unexpected(done);
    await this.#process.sampleMemory();
    return {
      files: done.outputs,
      seconds: done.seconds,
      peakMemoryBytes: this.#process.peakMemoryBytes || null,
      warnings: [...new Set([...this.#loadWarnings, ...done.warnings])],
    };
  }

  /** Waits for the next reply, or for the end of the process. @throws EngineFailure for `fail` and for an end */
  async #ask(id: number | null, request: FrameRequest | null): Promise<SessionReply> {
    const reply = new Promise<SessionReply>((resolve) => {
      this.#waiting = { id, request, resolve };
    });
    const first = await Promise.race([reply, this.#process.exited]);
    this.#waiting = null;
    if (!('type' in first)) throw this.#failureOf(first);
    if (first.type === 'fail')
      throw new EngineFailure(first.class, first.message, { sessionUsable: first.usable });
    return first;
  }

  #failureOf(exit: EngineExit): EngineFailure {
    if (exit.failure) return exit.failure;
    const how = exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`;
    const reason = this.#options.reason?.(exit.lastLines) ?? exit.lastLines.at(-1);
    return new EngineFailure(
      'engine-crash',
      `${this.#options.label} ended with ${how}${reason === undefined ? '.' : `: ${reason}`}`,
    );
  }

  #send(request: Record<string, unknown>): void {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
  }

  #take(line: string): void {
    const waiting = this.#waiting;
    try {
      const reply = sessionReplySchema.parse(JSON.parse(line));
      if (reply.type === 'progress') {
        if (waiting?.request && reply.id === waiting.id)
          waiting.request.progress(Math.min(1, Math.max(0, reply.fraction)), reply.note);
        return;
      }
      waiting?.resolve(reply);
    } catch (error) {
      this.#process.fail(
        new EngineFailure('engine-crash', `The session said something that is no reply: ${messageOf(error)}`),
      );
    }
  }
}

function stopped(cause?: unknown): EngineFailure {
  return new EngineFailure('engine-crash', 'The frame was stopped.', { cause });
}

function unexpected(reply: SessionReply): EngineFailure {
  return new EngineFailure('engine-crash', `The session answered "${reply.type}" out of turn.`);
}
