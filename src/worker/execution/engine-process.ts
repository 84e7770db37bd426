import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineFailure } from '../engines/engine.ts';
import { exitOf, meaningOf, startFailure, type EngineExit } from './engine-exit.ts';
import { EngineTimers } from './engine-timers.ts';
import { LineSplitter } from './line-splitter.ts';
import { platform } from '../platform/platform.ts';

const MEMORY_CHECK_MS = 500;
const LAST_LINES = 20;
const MAX_REPLY_PIPES = 5;

export interface SpawnEngineOptions {
  /** Program (absolute path, or a name on the worker's PATH) and arguments; never a shell string. */
  argv: readonly [string, ...string[]];
  cwd: string;
  /** Becomes HOME and TMPDIR: the engine writes its scratch and settings nowhere else. */
  workDir: string;
  /** Added to the minimal environment (PATH, HOME, TMPDIR, LANG). Never a credential. */
  env?: Readonly<Record<string, string>>;
  /** `pipe`: `process.stdin` takes requests. Default: nothing to read. */
  stdin?: 'pipe' | 'none';
  /** Bytes of resident memory of all the engine's processes together; more ends it as `out-of-memory`. */
  memoryLimitBytes: number;
  /** Seconds until {@link EngineProcess.started} must have been called or the process must have ended; 0: no limit. */
  startTimeoutSeconds?: number;
  /** Seconds without a line, on any pipe, between {@link EngineProcess.beginWork} and `endWork`; 0: silence means nothing. */
  silenceSeconds?: number;
  /** Each line of stdout and stderr as it comes: for the log. */
  log: (line: string) => void;
  onStdout?: (line: string) => void;
  onStderr?: (line: string) => void;
  /** Line readers of further pipes: the first is the engine's fd 3, and so on; at most 5. */
  replies?: readonly ((line: string) => void)[];
  /** Kills the engine when it aborts: the session's own `signal`. */
  signal?: AbortSignal;
  nice?: number;
}

/**
 * Starts an engine in a process group of its own that ends with the worker, whatever ends the worker.
 * Never throws for what the engine does: how it ended is `exited`.
 */
export function spawnEngine(options: SpawnEngineOptions): EngineProcess {
  return new EngineProcess(options);
}

export class EngineProcess {
  /** Resolves, and never rejects, once every process of the group is gone and all output was read. */
  readonly exited: Promise<EngineExit>;
  readonly #options: SpawnEngineOptions;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #failure: EngineFailure | null = null;
  #memoryBytes = 0;
  #peakBytes = 0;
  #ended = false;
  readonly #timers = new EngineTimers((failure) => this.fail(failure));
  #memoryTimer: NodeJS.Timeout | undefined;

  constructor(options: SpawnEngineOptions) {
    this.#options = options;
    const replies = options.replies ?? [];
    if (replies.length > MAX_REPLY_PIPES) throw new RangeError(`At most ${MAX_REPLY_PIPES} reply pipes`);
    const lifeline = 3 + replies.length;
    const stdio = [options.stdin === 'pipe' ? 'pipe' : 'ignore', 'pipe', 'pipe'] as ('pipe' | 'ignore')[];
    for (let fd = 3; fd <= lifeline; fd++) stdio.push('pipe');
    const [guard, ...guardArgs] = platform.guardCommand(options.argv, lifeline, options.nice ?? 10);
    this.#child = spawn(guard, guardArgs, {
      cwd: options.cwd,
      env: {
        PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
        LANG: 'C.UTF-8',
        HOME: options.workDir,
        TMPDIR: options.workDir,
        ...options.env,
      },
      stdio,
      detached: true,
      windowsHide: true,
    });
    this.exited = this.#run(lifeline, replies);
  }

  /** Process group of the engine; undefined when it could not be started at all. */
  get group(): number | undefined {
    return this.#child.pid;
  }

  /** Where requests go, with `stdin: 'pipe'`. An engine that is gone takes nothing, without error: see `exited`. */
  get stdin(): Writable {
    if (!this.#child.stdin) throw new TypeError("The engine was started without stdin: 'pipe'");
    return this.#child.stdin;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Resident memory of the engine's processes at the last look (about twice a second). */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Looks at the memory now; also counts towards the peak. */
  async sampleMemory(): Promise<number> {
    const group = this.#child.pid;
    if (group === undefined || this.#ended) return 0;
    this.#memoryBytes = await platform.groupMemoryBytes(group);
    this.#peakBytes = Math.max(this.#peakBytes, this.#memoryBytes);
    return this.#memoryBytes;
  }

  get peakMemoryBytes(): number {
    return this.#peakBytes;
  }

  /** A new frame begins: its peak is to be its own. */
  resetPeak(): void {
    this.#peakBytes = this.#memoryBytes;
  }

  /** From now on the engine has so long until {@link started} must have been called; 0: no limit. */
  awaitStart(seconds: number): void {
    this.#timers.awaitStart(seconds);
  }

  /** The start time-out is over: the engine said that it is ready. */
  started(): void {
    this.#timers.started();
  }

  /** From now on silence counts, and after `frameSeconds` (0: no limit) the work is given up. */
  beginWork(limits: { silenceSeconds?: number; frameSeconds?: number } = {}): void {
    const silence = limits.silenceSeconds ?? this.#options.silenceSeconds ?? 0;
    this.#timers.beginWork(silence, limits.frameSeconds ?? 0);
  }

  endWork(): void {
    this.#timers.endWork();
  }

  /** Kills the engine at once; `exited` then carries this reason, if it is the first. */
  fail(failure: EngineFailure): void {
    if (this.#ended) return;
    this.#failure ??= failure;
    this.#signal('SIGKILL');
  }

  /**
   * Ends the engine: SIGINT, after half of `graceMs` SIGTERM, after all of it SIGKILL, each to the whole group.
   * `graceMs: 0` kills at once.
   */
  async stop(options: { graceMs?: number } = {}): Promise<EngineExit> {
    const grace = options.graceMs ?? 2_000;
    const stages: [NodeJS.Signals, number][] = grace > 0 ? [['SIGINT', grace / 2]] : [];
    if (grace > 0) stages.push(['SIGTERM', grace / 2]);
    for (const [signal, ms] of stages) {
      if (this.#ended) break;
      this.#signal(signal);
      await Promise.race([this.exited, sleep(ms, undefined, { ref: false })]);
    }
    if (!this.#ended) this.#signal('SIGKILL');
    return this.exited;
  }

  async #run(lifeline: number, replies: readonly ((line: string) => void)[]): Promise<EngineExit> {
    const child = this.#child;
    const streams = [this.#watchStart(), this.#read(child.stdout, this.#options.onStdout, true)];
    streams.push(this.#read(child.stderr, this.#options.onStderr, true));
    replies.forEach((onLine, i) => streams.push(this.#read(child.stdio[3 + i] as Readable, onLine, false)));
    // Writing to an engine that has ended fails; that it has ended is what `exited` says.
    child.stdin?.on('error', () => undefined);
    const line = child.stdio[lifeline] as Readable | undefined;
    line?.on('error', () => undefined);
    this.#timers.awaitStart(this.#options.startTimeoutSeconds ?? 0);
    this.#scheduleMemoryCheck();
    const onAbort = (): void => this.#signal('SIGKILL');
    this.#options.signal?.addEventListener('abort', onAbort, { once: true });
    if (this.#options.signal?.aborted) onAbort();
    const [code, signal] = await exitOf(child);
    // Whatever the engine left running holds its pipes open and would outlive it.
    this.#signal('SIGKILL');
    await Promise.all(streams);
    await this.#untilGroupIsGone();
    this.#ended = true;
    this.#options.signal?.removeEventListener('abort', onAbort);
    line?.destroy();
    this.endWork();
    this.#timers.started();
    clearTimeout(this.#memoryTimer);
    return {
      ...meaningOf(code, signal),
      failure: this.#failure ?? startFailure(code, this.#options.argv[0], this.#lastLines),
      lastLines: this.#lastLines,
      peakMemoryBytes: this.#peakBytes,
    };
  }

  /** A guard that cannot be started (no /bin/sh, no such folder, no more processes) is the machine's fault. */
  #watchStart(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('spawn', resolve);
      this.#child.once('error', (error) => {
        this.#failure ??= new EngineFailure('host', `The engine could not be started: ${error.message}`, {
          cause: error,
        });
        resolve();
      });
    });
  }

  #read(stream: Readable | null, onLine: ((line: string) => void) | undefined, log: boolean): Promise<void> {
    if (!stream) return Promise.resolve();
    const splitter = new LineSplitter((line) => {
      if (log) {
        this.#lastLines.push(line);
        if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
        this.#options.log(line);
      }
      onLine?.(line);
    });
    stream.on('data', (chunk: Buffer) => {
      this.#timers.heard();
      splitter.push(chunk);
    });
    return new Promise((resolve) => {
      stream.on('error', () => undefined); // 'close' follows
      stream.once('close', () => {
        splitter.end();
        resolve();
      });
    });
  }

  #scheduleMemoryCheck(): void {
    this.#memoryTimer = setTimeout(() => {
      void this.#checkMemory();
    }, MEMORY_CHECK_MS);
    this.#memoryTimer.unref();
  }

  async #checkMemory(): Promise<void> {
    // Where the system cannot say it now (no more processes, no more files), it is asked again.
    const bytes = await this.sampleMemory().catch(() => 0);
    const limit = this.#options.memoryLimitBytes;
    if (bytes > limit) {
      this.fail(
        new EngineFailure(
          'out-of-memory',
          `The engine used ${mebibytes(bytes)} MiB of memory; its limit is ${mebibytes(limit)} MiB.`,
        ),
      );
    }
    if (!this.#ended) this.#scheduleMemoryCheck();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) platform.signalGroup(this.#child.pid, signal);
  }

  async #untilGroupIsGone(): Promise<void> {
    const group = this.#child.pid;
    if (group === undefined) return;
    while (await platform.isGroupAlive(group).catch(() => true)) {
      platform.signalGroup(group, 'SIGKILL');
      await sleep(10);
    }
  }
}

const mebibytes = (bytes: number): number => Math.round(bytes / 1_048_576);
