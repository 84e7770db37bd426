import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { StartedEngine } from '../engines/engine.ts';
import type { SessionRequest } from './open-session.ts';
import { IDLE_MS } from './session-policy.ts';

/** Starting engines takes cores: not before the worker has had nothing to do for so long. */
const PAUSE_MS = 1_000;
const MOST_SPARES = 4;
/** What an engine without a scene is taken to need, until one was seen. */
const USUAL_BYTES = 256 * 1_048_576;

/** An engine that was started before anybody knew its scene. */
export interface SpareEngine {
  started: StartedEngine;
  /** Its session's folder, with `work` in it. */
  folder: string;
  end: AbortController;
  /** Where its lines go. */
  sink: { log: (line: string) => void };
  /** What it has printed so far. */
  printed: string[];
}

export interface SpareEnginesOptions {
  folder: string;
  /** Frames that the worker renders at once. */
  slots: number;
  /** Bytes of memory that nobody uses now. */
  room: () => number;
}

/**
 * While a worker has nothing to do it keeps engines started of the kind that it used last, so that a new scene does not
 * wait for Blender to start: about 1.2 s.
 */
export class SpareEngines {
  readonly #options: SpareEnginesOptions;
  readonly #log: Logger;
  readonly #closing = new Set<Promise<void>>();
  #spares: SpareEngine[] = [];
  /** What the spares are of. */
  #last: { request: SessionRequest; key: string; usedAtMs: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;
  #filling: Promise<void> | undefined;
  /** Ends the one that is being started. */
  #starting: AbortController | undefined;

  constructor(options: SpareEnginesOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /** @returns a started engine for the request; undefined where there is none */
  take(request: SessionRequest): SpareEngine | undefined {
    if (this.#last?.key !== keyOf(request)) return undefined;
    for (let spare = this.#spares.pop(); spare; spare = this.#spares.pop()) {
      if (!spare.started.hasEnded) return spare;
      this.#close(spare);
    }
    return undefined;
  }

  /** The worker has work: nothing is started beside it. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#isPaused = true;
  }

  /** The worker has nothing to do, and this is what it did last. */
  keepFor(request: SessionRequest): void {
    const { share, engine } = request;
    // Frames with GPUs, or with more than a slot, are another kind each.
    if (!engine.start || share.slots !== 1 || Object.keys(share.environment).length > 0) return;
    const key = keyOf(request);
    if (this.#last?.key !== key) this.#closeAll();
    this.#last = { request, key, usedAtMs: performance.now() };
    clearTimeout(this.#timer);
    this.#isPaused = false;
    this.#timer = setTimeout(() => {
      this.#filling ??= this.#fill().finally(() => (this.#filling = undefined));
    }, PAUSE_MS);
    this.#timer.unref();
  }

  /** Ends them all when nobody has asked for long, or when there is no room for them any more. */
  tidy(): void {
    const isOld = this.#last !== undefined && performance.now() - this.#last.usedAtMs >= IDLE_MS;
    if (isOld || this.#options.room() < 0) this.#closeAll();
  }

  get memoryBytes(): number {
    return this.#spares.reduce((sum, { started }) => sum + started.memoryBytes(), 0);
  }

  async close(): Promise<void> {
    this.pause();
    this.#closeAll();
    await this.#filling;
    await Promise.all(this.#closing);
  }

  async #fill(): Promise<void> {
    const last = this.#last;
    const wanted = Math.min(this.#options.slots, MOST_SPARES);
    while (last && this.#isOf(last) && !this.#isPaused && this.#spares.length < wanted) {
      const each = Math.max(USUAL_BYTES, ...this.#spares.map(({ started }) => started.memoryBytes()));
      if (this.#options.room() < each) return;
      const spare = await this.#start(last.request);
      if (!spare) return;
      if (this.#isOf(last)) this.#spares.push(spare);
      else this.#close(spare); // not wanted any more while it was starting
    }
  }

  #isOf({ key }: { key: string }): boolean {
    return this.#last?.key === key;
  }

  /** @returns null where it cannot be had: the next task will say why */
  async #start({ engine, detected, share }: SessionRequest): Promise<SpareEngine | null> {
    const folder = join(this.#options.folder, newId('s'));
    const workDir = join(folder, 'work');
    const printed: string[] = [];
    const sink = { log: (line: string): void => void printed.push(line) };
    const end = new AbortController();
    this.#starting = end;
    try {
      await mkdir(workDir, { recursive: true, mode: 0o700 });
      end.signal.throwIfAborted();
      const started = await engine.start?.({
        detected,
        workDir,
        memoryLimitBytes: share.memoryLimitBytes,
        environment: share.environment,
        startSeconds: engine.timeouts.start,
        log: (line) => sink.log(line),
        signal: end.signal,
      });
      return started ? { started, folder, end, sink, printed } : null;
    } catch (error) {
      if (!end.signal.aborted)
        this.#log.warn({ engine: engine.id, reason: messageOf(error) }, 'no spare engine could be started');
      await rm(folder, { recursive: true, force: true });
      return null;
    } finally {
      this.#starting = undefined;
    }
  }

  #closeAll(): void {
    this.#starting?.abort();
    for (const spare of this.#spares.splice(0)) this.#close(spare);
    this.#last = undefined;
  }

  #close({ started, folder }: SpareEngine): void {
    const closing = started
      .close()
      .then(() => rm(folder, { recursive: true, force: true }))
      .catch((error: unknown) => {
        this.#log.error({ reason: messageOf(error) }, 'a spare engine did not close cleanly');
      })
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

function keyOf({ engine, detected, definition, share }: SessionRequest): string {
  return JSON.stringify([engine.id, detected.program, detected.version, definition, share]);
}
