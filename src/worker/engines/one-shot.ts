import type { EngineExit } from '../execution/engine-exit.ts';
import { spawnEngine, type EngineProcess } from '../execution/engine-process.ts';
import { EngineFailure, type SessionSpec } from './engine.ts';

/** What differs from run to run; the rest is the session's. */
export interface Run {
  args: readonly string[];
  cwd: string;
  /** Variables besides the session's. */
  env?: Readonly<Record<string, string>>;
  /** Aborted when the work is no longer wanted. */
  signal: AbortSignal;
  /** How long the program gets to end by itself then. */
  graceMs: number;
  onStdout?: (line: string) => void;
  onStderr?: (line: string) => void;
  /** Reads the program's file descriptor 3. */
  onReply?: (line: string) => void;
}

/** The processes of an engine that is started anew for each piece of work, one at a time. */
export class OneShotRunner {
  readonly #spec: SessionSpec;
  #process: EngineProcess | null = null;

  constructor(spec: SessionSpec) {
    this.#spec = spec;
  }

  /**
   * Runs the program to its end, within the session's limits. How it ended is for the caller to judge.
   * @throws EngineFailure when it could not be started, broke a limit, or was stopped
   */
  async run({ args, cwd, env, signal, graceMs, onReply, ...readers }: Run): Promise<EngineExit> {
    const { detected, workDir, memoryLimitBytes, environment, timeouts, log, signal: session } = this.#spec;
    const process = spawnEngine({
      argv: [detected.program, ...args],
      cwd,
      workDir,
      env: { ...env, ...environment },
      memoryLimitBytes,
      log,
      ...readers,
      ...(onReply ? { replies: [onReply] } : {}),
      signal: session,
    });
    this.#process = process;
    process.beginWork({ silenceSeconds: timeouts.silenceSeconds, frameSeconds: timeouts.frameSeconds });
    const stop = (): void => void process.stop({ graceMs });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const exit = await process.exited;
    signal.removeEventListener('abort', stop);
    if (exit.failure) throw exit.failure;
    if (signal.aborted)
      throw new EngineFailure('engine-crash', 'The frame was stopped.', { sessionUsable: true });
    return exit;
  }

  async close(): Promise<void> {
    await this.#process?.stop({ graceMs: 0 });
  }

  get memoryBytes(): number {
    return this.#process?.memoryBytes ?? 0;
  }
}
