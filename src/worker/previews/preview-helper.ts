import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { spawnEngine, type EngineProcess } from '../execution/engine-process.ts';
import type { HelperReply, HelperRequest, Size } from './helper-requests.ts';

const MAIN = fileURLToPath(new URL('./helper-main.ts', import.meta.url));
export const LOWEST_PRIORITY = 19;
const MEMORY_BYTES = 4_000_000_000;
/** What takes longer is given up. */
const PICTURE_MS = 60_000;
const SHEET_MS = 600_000; // thousands of pictures in one
/** Starting it takes a fifth of a second. */
const IDLE_MS = 30_000;

/** The process of helper-main.ts: started when it is first needed, ended when it has had nothing to do for a while. */
export class PreviewHelper {
  readonly #folder: string;
  #process: EngineProcess | undefined;
  #onReply: ((reply: HelperReply) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #stopping = new AbortController();
  #idle: NodeJS.Timeout | undefined;

  /** @param folder its own, for scratch */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Requests that it has and has not answered yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Does one request after the other. One that takes too long, or whose signal aborts while it is done, ends the process;
   * the next request starts another.
   * @returns the size of what was written
   * @throws Error why it was not; the signal's reason, at once
   */
  async ask(request: HelperRequest, signal?: AbortSignal): Promise<Size> {
    const given = AbortSignal.any([this.#stopping.signal, ...(signal ? [signal] : [])]);
    given.throwIfAborted();
    this.#waiting++;
    const turn = this.#last.then(() => this.#ask(request, given)).finally(() => this.#waiting--);
    this.#last = turn.catch(() => undefined);
    const reply = await unlessAborted(turn, given);
    if ('error' in reply) throw new Error(reply.error);
    return reply;
  }

  /** What it is asked afterwards is refused. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the worker stops'));
    clearTimeout(this.#idle);
    await this.#process?.stop({ graceMs: 0 });
  }

  async #ask(request: HelperRequest, given: AbortSignal): Promise<HelperReply> {
    given.throwIfAborted();
    clearTimeout(this.#idle);
    const helper = await this.#running();
    const limitMs = request.do === 'sheet' ? SHEET_MS : PICTURE_MS;
    const signal = AbortSignal.any([given, AbortSignal.timeout(limitMs)]);
    const reply = new Promise<HelperReply>((resolve) => {
      this.#onReply = resolve;
    });
    const ended = helper.exited.then(({ failure, lastLines }) => ({
      error: failure?.message ?? lastLines.at(-1) ?? 'the process that makes previews has ended',
    }));
    helper.stdin.write(`${JSON.stringify(request)}\n`);
    let answer: HelperReply;
    try {
      answer = await unlessAborted(Promise.race([reply, ended]), signal);
    } catch (error) {
      await helper.stop({ graceMs: 0 });
      given.throwIfAborted();
      throw new Error(`the picture took more than ${limitMs / 1000} s`, { cause: error });
    }
    this.#idle = setTimeout(() => {
      this.#process = undefined;
      void helper.stop({ graceMs: 0 });
    }, IDLE_MS);
    this.#idle.unref();
    return answer;
  }

  async #running(): Promise<EngineProcess> {
    if (this.#process && !this.#process.hasEnded) return this.#process;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#process = spawnEngine({
      argv: [process.execPath, '--disable-warning=ExperimentalWarning', MAIN],
      cwd: this.#folder,
      workDir: this.#folder,
      stdin: 'pipe',
      memoryLimitBytes: MEMORY_BYTES,
      nice: LOWEST_PRIORITY,
      log: () => undefined,
      replies: [(line) => this.#onReply?.(JSON.parse(line) as HelperReply)],
    });
    return this.#process;
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
