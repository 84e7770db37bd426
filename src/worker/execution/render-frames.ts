import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FrameRef } from '../../shared/contracts/messages.ts';
import type { FetchedInputs } from '../assets/fetch-inputs.ts';
import { EngineFailure, type RenderedFrame } from '../engines/engine.ts';
import type { SessionRequest } from '../sessions/open-session.ts';
import type { SessionLease } from '../sessions/session-lease.ts';
import type { SessionPool } from '../sessions/session-pool.ts';
import type { Attempt } from './attempt.ts';
import type { FrameDeliveries } from './frame-deliveries.ts';

/** An engine that was told to stop a frame and has not after this long is killed. */
const STOP_GRACE_MS = 1_500;
/** Failures that speak against the scene in this engine, so that after two of them it is rendered cold. */
const CRASHES = new Set(['engine-crash', 'out-of-memory', 'timeout']);

/** A frame that could not be rendered. */
export class FrameFailed extends Error {
  override name = 'FrameFailed';
  readonly frame: number;

  constructor(frame: number, cause: unknown) {
    super(`Frame ${frame} failed`, { cause });
    this.frame = frame;
  }
}

export interface RenderOptions {
  attempt: Attempt;
  request: SessionRequest;
  pool: SessionPool;
  deliveries: FrameDeliveries;
  inputs: FetchedInputs;
  /** The attempt's folder; asked for with the first frame that needs one. */
  folder: () => Promise<string>;
  /** Engines that store nothing need no folder for each frame. */
  storesFiles: boolean;
  log: (line: string) => void;
  onProgress: (frame: number, fraction: number, note?: string) => void;
}

/** No session could be had: that speaks against all frames of the attempt, not against one. */
class SessionFailed extends Error {
  override name = 'SessionFailed';

  constructor(cause: unknown) {
    super('No session could be opened', { cause });
  }
}

/** Renders an attempt's frames in order with one session after another, and hands each to its delivery. */
export class FrameRenderer {
  readonly #options: RenderOptions;
  #lease: SessionLease | null = null;
  /** Frames of this attempt that the present session has rendered. */
  #framesOfLease = 0;

  constructor(options: RenderOptions) {
    this.#options = options;
  }

  /**
   * Ends early, without error, when the rest is to be given back or a delivery failed. The session is back in the pool
   * when it returns.
   * @throws FrameFailed; EngineFailure when no session could be opened; the stop signal's reason
   */
  async run(): Promise<void> {
    const { attempt, deliveries } = this.#options;
    try {
      for (const frame of attempt.task.frames) {
        if (attempt.isDropped(frame.number)) continue;
        await deliveries.room();
        if (deliveries.failure || attempt.releaseReason !== null) return;
        const outDir = await this.#makeOutDir(frame);
        if (attempt.isInterrupted) return;
        const rendered = await this.#render(frame, outDir);
        if (rendered) deliveries.add(frame, rendered, outDir || null);
      }
    } finally {
      await this.#giveBack(true);
    }
  }

  async #makeOutDir(frame: FrameRef): Promise<string> {
    if (!this.#options.storesFiles) return '';
    const outDir = join(await this.#options.folder(), `frame-${frame.number}`);
    await rm(outDir, { recursive: true, force: true });
    await mkdir(outDir, { mode: 0o700 });
    return outDir;
  }

  /** @returns null when the frame was left out meanwhile */
  async #render(frame: FrameRef, outDir: string): Promise<RenderedFrame | null> {
    const { attempt } = this.#options;
    const abort = new AbortController();
    attempt.current = { number: frame.number, startedAtMs: performance.now(), fraction: 0, abort };
    try {
      return await this.#tryTwiceWhenStale(
        frame,
        outDir,
        AbortSignal.any([attempt.stopSignal, abort.signal]),
      );
    } catch (error) {
      await this.#giveBack(error instanceof EngineFailure && error.sessionUsable);
      attempt.stopSignal.throwIfAborted();
      if (abort.signal.aborted) return null;
      const cause = error instanceof SessionFailed ? error.cause : error;
      this.#recordCrash(cause);
      throw error instanceof SessionFailed ? cause : new FrameFailed(frame.number, cause);
    } finally {
      attempt.current = null;
    }
  }

  /** A warm session may have died, or gone bad, before this task: that is not this frame's fault. */
  async #tryTwiceWhenStale(frame: FrameRef, outDir: string, signal: AbortSignal): Promise<RenderedFrame> {
    try {
      return await this.#renderOnce(frame, outDir, signal, false);
    } catch (error) {
      const stale = this.#lease?.reused === true && this.#framesOfLease === 0;
      const crashed = error instanceof EngineFailure && error.failure === 'engine-crash';
      if (!stale || !crashed || signal.aborted) throw error;
      await this.#giveBack(false);
      await this.#makeOutDir(frame); // what the dead session began is not this frame's
      this.#options.log('[farmhand] The warm session had gone bad; the frame is rendered in a new one.');
      return this.#renderOnce(frame, outDir, signal, true);
    }
  }

  async #renderOnce(
    frame: FrameRef,
    outDir: string,
    signal: AbortSignal,
    fresh: boolean,
  ): Promise<RenderedFrame> {
    const { attempt, inputs, onProgress } = this.#options;
    const lease = await this.#session(signal, fresh);
    const rendering = lease.render({
      frame: frame.number,
      following: attempt.framesAfter(frame.number),
      outDir,
      ...inputs,
      progress: (fraction, note) => onProgress(frame.number, fraction, note),
      signal,
    });
    const rendered = await endsWithSignal(rendering, signal, () => lease.kill());
    this.#framesOfLease++;
    return rendered;
  }

  async #session(signal: AbortSignal, fresh: boolean): Promise<SessionLease> {
    const { pool, request, log } = this.#options;
    if (this.#lease && pool.isSpent(this.#lease, request)) await this.#giveBack(true);
    this.#framesOfLease = this.#lease ? this.#framesOfLease : 0;
    try {
      this.#lease ??= await pool.acquire(request, log, signal, { fresh });
      return this.#lease;
    } catch (error) {
      throw new SessionFailed(error);
    }
  }

  async #giveBack(usable: boolean): Promise<void> {
    const lease = this.#lease;
    this.#lease = null;
    if (lease) await this.#options.pool.release(lease, this.#options.request, usable);
  }

  #recordCrash(error: unknown): void {
    if (error instanceof EngineFailure && CRASHES.has(error.failure))
      this.#options.pool.recordCrash(this.#options.request);
  }
}

/** Waits for `work`; once the signal aborts it gets a little time to end by itself, then `kill` is called. */
async function endsWithSignal<T>(work: Promise<T>, signal: AbortSignal, kill: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(kill, STOP_GRACE_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await work;
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}
