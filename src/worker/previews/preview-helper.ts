import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { spawnEngine, type EngineProcess } from '../execution/engine-process.ts';
import type { HelperReply, HelperRequest, Size } from './helper-requests.ts';

const MAIN = fileURLToPath(new URL('./helper-main.ts', import.meta.url));
export const LOWEST_PRIORITY = 19;
const MEMORY_BYTES = 4_000_000_000;
/** Starting it takes a fifth of a second. */
const IDLE_MS = 30_000;

/** The process of helper-main.ts: started when it is first needed, ended when it has had nothing to do for a while. */
export class PreviewHelper {
  readonly #folder: string;
  #process: EngineProcess | undefined;
  #onReply: ((reply: HelperReply) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @param folder its own, for scratch */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Requests that it has and has not answered yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Does one request after the other. @returns the size of what was written. @throws Error why it was not */
  async ask(request: HelperRequest): Promise<Size> {
    this.#waiting++;
    const turn = this.#last.then(() => this.#ask(request)).finally(() => this.#waiting--);
    this.#last = turn.catch(() => undefined);
    const reply = await turn;
    if ('error' in reply) throw new Error(reply.error);
    return reply;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#process?.stop({ graceMs: 0 });
  }

  async #ask(request: HelperRequest): Promise<HelperReply> {
    clearTimeout(this.#idle);
    const helper = await this.#running();
    const reply = new Promise<HelperReply>((resolve) => {
      this.#onReply = resolve;
    });
    const ended = helper.exited.then(({ failure, lastLines }) => ({
      error: failure?.message ?? lastLines.at(-1) ?? 'the process that makes previews has ended',
    }));
    helper.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await Promise.race([reply, ended]);
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
