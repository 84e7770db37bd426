import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../shared/domain/errors.ts';
import { howItEnded, type EngineExit } from '../execution/engine-exit.ts';
import { spawnEngine, type EngineProcess } from '../execution/engine-process.ts';
import {
  EngineFailure,
  type EngineSession,
  type FrameRequest,
  type RenderedFrame,
  type SessionSpec,
  type StartSpec,
  type StartedEngine,
} from './engine.ts';
import { sessionReplySchema, type SessionReply } from './session-protocol.ts';

/** An engine that speaks the protocol, whatever its scene. */
export interface WarmProgram {
  /** How messages call the engine. */
  label: string;
  argv: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
  cwd: string;
  /** The engine's own error line among its last lines, to say why it ended. */
  reason?: (lastLines: readonly string[]) => string | undefined;
  /** Understands a line that the engine prints: how far it is, and whether it says that the frame cannot be right. */
  readLine?: (line: string) => { fraction: number | null; error: string | null; outOfMemory: boolean };
  /**
   * The line that the session prints after all lines of a frame. Replies come on another pipe: only after this line is
   * known that no error was printed.
   */
  endMarker?: (id: number) => string;
  /** How long it gets to end by itself when it is stopped. */
  graceMs: number;
  /** A second `load` replaces the first. */
  reloads?: boolean;
}

const MAX_ERRORS = 5;
const MARKER_MS = 5_000;

/** What the engine printed for the frame under way. */
interface Printed {
  request: FrameRequest | null;
  marker: string;
  ended: Promise<void>;
  end: () => void;
  errors: string[];
  outOfMemory: boolean;
}

function newPrinted(marker: string, request: FrameRequest | null): Printed {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { request, marker, ended: promise, end: () => resolve(undefined), errors: [], outOfMemory: false };
}

interface Waiting {
  /** null while the scene is loaded. */
  id: number | null;
  request: FrameRequest | null;
  resolve: (reply: SessionReply) => void;
}

/** A session in a process that speaks the protocol of session-protocol.ts. */
export class WarmSession implements EngineSession {
  readonly #program: WarmProgram;
  readonly #process: EngineProcess;
  #loadWarnings: readonly string[] = [];
  reload?: (spec: SessionSpec) => Promise<void>;
  #limits: { silenceSeconds?: number; frameSeconds?: number } = {};
  #waiting: Waiting | null = null;
  #printed = newPrinted('', null);
  #frames = 0;

  /** Starts the process; `load` must follow before `render`. @throws EngineFailure */
  static async start(program: WarmProgram, spec: StartSpec): Promise<WarmSession> {
    const session = new WarmSession(program, spec);
    return session.#orClose(async () => {
      const ready = await session.#ask(null, null);
      if (ready.type !== 'ready') throw unexpected(ready);
      session.#process.started();
      return session;
    });
  }

  private constructor(program: WarmProgram, spec: StartSpec) {
    this.#program = program;
    this.#process = spawnEngine({
      argv: program.argv,
      cwd: program.cwd,
      workDir: spec.workDir,
      env: { ...program.env, ...spec.environment },
      stdin: 'pipe',
      memoryLimitBytes: spec.memoryLimitBytes,
      startTimeoutSeconds: spec.startSeconds,
      log: spec.log,
      onStdout: (line) => this.#read(line),
      onStderr: (line) => this.#read(line),
      replies: [(line) => this.#take(line)],
      signal: spec.signal,
    });
  }

  /**
   * Loads the scene; again only where the program reloads. The process is closed when that fails.
   * @param fields of the `load` request
   * @throws EngineFailure
   */
  async load({ timeouts }: SessionSpec, fields: Record<string, unknown>): Promise<void> {
    const { startSeconds, silenceSeconds, frameSeconds } = timeouts;
    this.#limits = { silenceSeconds, frameSeconds };
    await this.#orClose(async () => {
      this.#process.awaitStart(startSeconds);
      const answer = this.#ask(null, null);
      this.#send({ type: 'load', ...fields });
      const loaded = await answer;
      if (loaded.type === 'fail') throw failureOf(loaded, newPrinted('', null));
      if (loaded.type !== 'loaded') throw unexpected(loaded);
      this.#loadWarnings = loaded.warnings;
      this.#process.started();
    });
  }

  get hasEnded(): boolean {
    return this.#process.hasEnded;
  }

  async render(request: FrameRequest): Promise<RenderedFrame> {
    const stop = (): void => void this.#process.stop({ graceMs: this.#program.graceMs });
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

  async #orClose<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #render(request: FrameRequest): Promise<RenderedFrame> {
    const id = ++this.#frames;
    this.#printed = newPrinted(this.#program.endMarker?.(id) ?? '', request);
    this.#process.resetPeak();
    this.#process.beginWork(this.#limits);
    const answer = this.#ask(id, request);
    this.#send({ type: 'render', id, frame: request.frame, outDir: request.outDir });
    const reply = await answer;
    const printed = await this.#allPrinted();
    if (reply.type === 'fail') throw failureOf(reply, printed);
    if (reply.type !== 'done') throw unexpected(reply);
    if (printed.errors.length > 0) throw printedFailure(printed);
    await this.#process.sampleMemory();
    return {
      files: reply.outputs,
      seconds: reply.seconds,
      peakMemoryBytes: this.#process.peakMemoryBytes || null,
      warnings: [...new Set([...this.#loadWarnings, ...reply.warnings])],
    };
  }

  /** Waits for the next reply, or for the end of the process. @throws EngineFailure for an end */
  async #ask(id: number | null, request: FrameRequest | null): Promise<SessionReply> {
    const reply = new Promise<SessionReply>((resolve) => {
      this.#waiting = { id, request, resolve };
    });
    const first = await Promise.race([reply, this.#process.exited]);
    this.#waiting = null;
    if (!('type' in first)) throw this.#failureOf(first);
    return first;
  }

  #read(line: string): void {
    const printed = this.#printed;
    if (printed.marker !== '' && line === printed.marker) printed.end();
    const said = this.#program.readLine?.(line);
    if (!said) return;
    if (said.fraction !== null) printed.request?.progress(said.fraction);
    if (said.error === null) return;
    printed.outOfMemory ||= said.outOfMemory;
    if (printed.errors.length < MAX_ERRORS) printed.errors.push(said.error);
  }

  /** What was printed for the frame, once all of it has come. */
  async #allPrinted(): Promise<Printed> {
    const printed = this.#printed;
    const patience = sleep(MARKER_MS, undefined, { ref: false });
    if (printed.marker !== '') await Promise.race([printed.ended, this.#process.exited, patience]);
    this.#printed = newPrinted('', null);
    return printed;
  }

  #failureOf(exit: EngineExit): EngineFailure {
    if (exit.failure) return exit.failure;
    const reason = this.#program.reason?.(exit.lastLines) ?? exit.lastLines.at(-1);
    return new EngineFailure(
      'engine-crash',
      `${this.#program.label} ended with ${howItEnded(exit)}${reason === undefined ? '.' : `: ${reason}`}`,
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

/** Engines print an error, write a picture all the same and call it done: their words count. */
function printedFailure(printed: Printed): EngineFailure {
  const failure = printed.outOfMemory ? 'out-of-memory' : 'scene';
  return new EngineFailure(failure, [...new Set(printed.errors)].join(' · '), { sessionUsable: true });
}

function failureOf(reply: Extract<SessionReply, { type: 'fail' }>, printed: Printed): EngineFailure {
  const options = { sessionUsable: reply.usable };
  // That there is no file is the consequence; the reason was printed.
  if (reply.class === 'bad-output' && printed.errors.length > 0) return printedFailure(printed);
  return new EngineFailure(reply.class, reply.message, options);
}

function stopped(cause?: unknown): EngineFailure {
  return new EngineFailure('engine-crash', 'The frame was stopped.', { cause });
}

function unexpected(reply: SessionReply): EngineFailure {
  return new EngineFailure('engine-crash', `The session answered "${reply.type}" out of turn.`);
}

/** An engine with this protocol that runs and waits for its scene. @throws EngineFailure */
export async function startWarm(
  program: WarmProgram,
  spec: StartSpec,
  fieldsOf: (opened: SessionSpec) => Record<string, unknown>,
): Promise<StartedEngine> {
  const session = await WarmSession.start(program, spec);
  if (program.reloads) session.reload = (opened) => session.load(opened, fieldsOf(opened));
  return {
    open: async (opened) => {
      await session.load(opened, fieldsOf(opened));
      return session;
    },
    close: () => session.close(),
    memoryBytes: () => session.memoryBytes(),
    get hasEnded() {
      return session.hasEnded;
    },
  };
}
